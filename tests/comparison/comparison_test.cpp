#include "lipcert/comparison/baseline.hpp"
#include "lipcert/comparison/difference.hpp"
#include "lipcert/error.hpp"

#include <algorithm>

#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::apply_baseline;
using lipcert::Baseline;
using lipcert::Check;
using lipcert::CheckState;
using lipcert::kComparisonTolerance;
using lipcert::Measures;
using lipcert::Upper;
using nlohmann::json;

namespace {

Measures measures(double bound, double query, double key) {
    Measures result;
    result.values = {{"max-lipschitz", "max_token_rms", {}, Upper::exact(bound)},
                     {"max-spectral-norm", "blocks.0.query", 0, Upper::exact(query)},
                     {"max-spectral-norm", "blocks.0.key", 0, Upper::exact(key)},
                     {"block", "layer 0 attention", 0, Upper::exact(bound)}};
    return result;
}

Check check(const char* rule, const char* place, const char* limit, double actual, bool holds) {
    return {rule,
            place,
            {},
            limit,
            Upper::exact(actual),
            holds ? CheckState::holds : CheckState::exceeded,
            {}};
}

CheckState state_of(const std::vector<Check>& checks, const std::string& place) {
    const auto found = std::find_if(checks.begin(), checks.end(), [&place](const Check& other) {
        return other.place == place;
    });
    REQUIRE(found != checks.end());
    return found->state;
}

}  // namespace

TEST_CASE("a difference is a regression exactly where a bound, a norm or a verdict got worse") {
    using lipcert::compare;
    const Measures before = measures(10.0, 3.0, 2.0);
    CHECK_FALSE(compare(before, before, 0.0).has_regression());
    CHECK_FALSE(compare(measures(9.0, 3.0, 1.0), before, 0.0).has_regression());
    CHECK(compare(measures(11.0, 3.0, 2.0), before, 0.0).has_regression());
    CHECK(compare(measures(9.0, 3.5, 1.0), before, 0.0).has_regression());
    // The last digit of another machine's BLAS is none.
    CHECK_FALSE(
        compare(measures(10.00005, 3.0, 2.0), before, kComparisonTolerance).has_regression());
    CHECK(compare(measures(10.001, 3.0, 2.0), before, kComparisonTolerance).has_regression());

    Measures now = before;
    now.values.back().upper = Upper::exact(100.0);  // a block alone
    CHECK_FALSE(compare(now, before, 0.0).has_regression());

    Measures held = before, broken = before;
    held.limits = {{"max-spectral-norm", "blocks.0.query", "4", true}};
    broken.limits = {{"max-spectral-norm", "blocks.0.key", "4", false}};
    CHECK(compare(broken, held, 0.0).has_regression());
    CHECK_FALSE(compare(broken, broken, 0.0).has_regression());
    CHECK_FALSE(compare(held, broken, 0.0).has_regression());
}

TEST_CASE("order does not matter to a difference, and no bound is worse than none") {
    Measures before = measures(10.0, 3.0, 2.0), now = before;
    std::reverse(now.values.begin(), now.values.end());
    const lipcert::Difference same = lipcert::compare(now, before, 0.0);
    for (const lipcert::Change& change : same.changes) {
        CHECK(change.state == lipcert::ChangeState::same);
    }
    now.values[0].upper = Upper::infinity();
    now.values[0].rule = before.values[3].rule = "max-lipschitz";
    CHECK(lipcert::compare(now, before, 0.0).has_regression());
    CHECK_FALSE(lipcert::compare(now, now, 0.0).has_regression());
    now.values.erase(now.values.begin() + 1);
    const lipcert::Difference removed = lipcert::compare(now, before, 0.0);
    CHECK(std::count_if(removed.changes.begin(), removed.changes.end(), [](const auto& change) {
              return change.state == lipcert::ChangeState::removed;
          }) == 1);
}

TEST_CASE("with a baseline only what got worse is a finding") {
    const Baseline baseline = lipcert::new_baseline(measures(10.0, 3.0, 2.0));
    REQUIRE(baseline.entries.size() == 3);  // blocks are not in it
    const std::vector<Check> checks = {
        check("max-lipschitz", "max_token_rms", "5", 10.0, false),
        check("max-spectral-norm", "blocks.0.query", "1", 3.5, false),
        check("max-spectral-norm", "blocks.9.new", "1", 8.0, false)};
    const auto verdict = apply_baseline(
        checks, measures(10.0, 3.5, 2.5), baseline, kComparisonTolerance, "2026-01-01");
    REQUIRE(verdict.checks.size() == 4);
    CHECK(state_of(verdict.checks, "max_token_rms") == CheckState::known);
    CHECK(state_of(verdict.checks, "blocks.0.query") == CheckState::worse);
    CHECK(state_of(verdict.checks, "blocks.9.new") == CheckState::exceeded);  // without an entry
    CHECK(state_of(verdict.checks, "blocks.0.key") == CheckState::worse);     // without a limit
    CHECK(verdict.notices.empty());
}

TEST_CASE("an update only lowers and drops, however much worse the model is") {
    const Baseline baseline = lipcert::new_baseline(measures(10.0, 3.0, 2.0));
    Measures now = measures(8.0, 30.0, 2.0);
    now.values[2].place = "blocks.0.renamed";
    const auto update = lipcert::shrink(baseline, now, kComparisonTolerance);
    CHECK(update.lowered == 1);
    CHECK(update.dropped == 1);
    CHECK(update.exceeded == 1);
    REQUIRE(update.baseline.entries.size() == 2);
    CHECK(update.baseline.entries[0].upper == "8.00000e+00");
    CHECK(update.baseline.entries[1].upper == "3.00000e+00");
}

TEST_CASE("a waiver counts until its day, takes back what it matches, and is reported unused") {
    Baseline baseline;
    baseline.waivers = {
        {"max-spectral-norm", "blocks.*.query", "retrained next week", "2026-11-25"},
        {"*", "nothing.*", "left over", "2027-01-01"},
        {"*", "blocks.0.key", "old", "2025-12-31"}};
    const std::vector<Check> checks = {
        check("max-spectral-norm", "blocks.0.query", "1", 3.0, false),
        check("max-spectral-norm", "blocks.0.key", "1", 2.0, false)};
    const Measures now = measures(10.0, 3.0, 2.0);
    const auto before = apply_baseline(checks, now, baseline, 0.0, "2026-11-25");
    CHECK(state_of(before.checks, "blocks.0.query") == CheckState::waived);
    CHECK(state_of(before.checks, "blocks.0.key") == CheckState::exceeded);
    REQUIRE(before.notices.size() == 2);
    CHECK(before.notices[0].find("not used") != std::string::npos);
    CHECK(before.notices[1].find("expired on 2025-12-31") != std::string::npos);
    const auto after = apply_baseline(checks, now, baseline, 0.0, "2026-11-26");
    CHECK(state_of(after.checks, "blocks.0.query") == CheckState::exceeded);
}

TEST_CASE("a baseline reads back what was written, and refuses what it does not know") {
    Baseline baseline = lipcert::new_baseline(measures(1e300, 3.0, 0.0));
    baseline.entries.push_back({"max-lipschitz", "logit", "inf"});
    baseline.waivers = {{"*", "x", "because", "2028-02-29"}};
    const json stored = json::parse(lipcert::baseline_json(baseline).dump());
    CHECK(json::parse(lipcert::baseline_json(lipcert::read_baseline(stored, "b")).dump()) ==
          stored);

    const auto refused = [&stored](const char* pointer, const json& value) {
        json broken = stored;
        broken[json::json_pointer(pointer)] = value;
        const auto error =
            lipcert::test::error_of([&] { (void)lipcert::read_baseline(broken, "b"); });
        return error.kind() == lipcert::ErrorKind::usage;
    };
    CHECK(refused("/schema", "lipcert-baseline-2"));
    CHECK(refused("/waivers/0/reason", ""));
    CHECK(refused("/waivers/0/expires", "2027-02-29"));
    CHECK(refused("/waivers/0/expires", "soon"));
    CHECK(refused("/waivers/0/until", "2027-01-01"));
    CHECK(refused("/entries/0/upper", "large"));
    CHECK(refused("/entries/0/upper", 3.0));
    CHECK(refused("/entries/0", "max-lipschitz"));
    CHECK(refused("/waiver", json::array()));
}
