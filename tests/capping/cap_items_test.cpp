#include "lipcert/capping/cap_items.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "support/model_builder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;

namespace {

/// A tiny model with its list of readings.
struct Sample {
    explicit Sample(TinyModel built)
        : model(std::move(built)),
          uses(weight_uses(architecture_of(*model.checkpoint, model.configuration))) {}

    [[nodiscard]] std::vector<CapItem> items(const LimitRules& rules) const {
        return cap_items(uses, *model.checkpoint, rules);
    }

    TinyModel model;
    std::vector<WeightUse> uses;
};

Sample gpt2() {
    Random random(1);
    return Sample(tiny_gpt2(random));
}

Sample llama() {
    Random random(1);
    return Sample(tiny_llama(random));
}

std::size_t count_role(const std::vector<CapItem>& items, const std::string& role) {
    return static_cast<std::size_t>(
        std::count_if(items.begin(), items.end(), [&role](const CapItem& item) {
            return item.use.role == role;
        }));
}

LimitRules limits(std::vector<LimitRule> rules) {
    LimitRules result;
    result.limits = std::move(rules);
    return result;
}

}  // namespace

TEST_CASE("a limit without a selector reaches every map, and no embedding") {
    const Sample sample = gpt2();
    const auto items = sample.items(limits({{"", "2"}}));
    // Two layers of query, key, value, attention output, mlp in, mlp out.
    CHECK(items.size() == 12);
    for (const CapItem& item : items) {
        CHECK(item.use.kind == WeightKind::map);
        CHECK(item.limit == 2.0);
        CHECK_FALSE(item.by_rows);
    }
}

TEST_CASE("the projections of a fused map are items of their own") {
    const Sample sample = gpt2();
    const auto items = sample.items(limits({{"", "2"}}));
    CHECK(count_role(items, "query") == 2);
    CHECK(count_role(items, "key") == 2);
    CHECK(count_role(items, "value") == 2);
    const CapItem& key = items[1];
    CHECK(key.use.role == "key");
    CHECK(name_of(key) == "transformer.h.0.attn.c_attn.weight [key]");
    CHECK(key.use.slice->begin == 8);
    // Stored [in, out]: the part has all rows and a third of the columns.
    CHECK(key.rows == 8);
    CHECK(key.cols == 8);
}

TEST_CASE("selectors are globs over names, parts of names behind a dot, and roles") {
    const Sample sample = llama();
    CHECK(sample.items(limits({{"self_attn.*", "2"}})).size() == 8);
    CHECK(sample.items(limits({{"model.layers.1.*", "2"}})).size() == 7);
    CHECK(sample.items(limits({{"query", "2"}})).size() == 2);
    CHECK(sample.items(limits({{"*embed*", "2"}})).size() == 1);
    // Of one layer's tensor, or of a fused one, by its role.
    CHECK(sample.items(limits({{"layers.1.*:query", "2"}})).size() == 1);
    CHECK(gpt2().items(limits({{"c_attn.weight:key", "2"}})).size() == 2);
    // The last component alone would be every matrix.
    CHECK(error_of([&] {
              (void)sample.items(limits({{"weight", "1"}}));
          }).kind() == ErrorKind::usage);
}

TEST_CASE("a tied table has one limit: rows or spectral norm, the one that is stated") {
    const Sample sample = gpt2();
    LimitRules rules = limits({{"unembedding", "5"}});
    rules.embedding_limit = "1";
    const Error error = error_of([&] { (void)sample.items(rules); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(says(error, "not both"));
    rules.embedding_limit = "1e400";  // none, as for a target
    std::size_t seen = 0;
    for (const CapItem& item : sample.items(rules)) {
        if (item.use.tensor == "transformer.wte.weight") {
            CHECK_FALSE(item.by_rows);
            CHECK(item.limit == 5.0);
            ++seen;
        }
    }
    CHECK(seen == 1);
}

TEST_CASE("a tied head that is stored again is a copy, as long as the limits do not part them") {
    Random random(2);
    Gpt2Options options;
    options.lm_head_stored = true;
    const Sample sample(tiny_gpt2(random, options));
    const auto head_of = [&sample](const LimitRules& rules) {
        for (const CapItem& item : sample.items(rules)) {
            if (item.use.kind == WeightKind::unembedding) {
                return item;
            }
        }
        throw Error(ErrorKind::internal, "", "no head");
    };
    LimitRules rules;
    rules.embedding_limit = "0.5";
    CHECK(head_of(rules).copy_of == "transformer.wte.weight");
    rules.limits = {{"unembedding", "5"}};
    CHECK_FALSE(head_of(rules).copy_of.has_value());
}

TEST_CASE("an embedding table has no limit from RMS to RMS but on its rows") {
    const Sample sample = gpt2();
    LimitRules rules = limits({{"embedding", "2"}});
    rules.norm = LimitNorm::rms;
    const Error error = error_of([&] { (void)sample.items(rules); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(says(error, "--embedding-limit"));
}

TEST_CASE("the last limit that matches counts, and an exclusion beats all") {
    const Sample sample = llama();
    LimitRules rules = limits({{"", "4"}, {"query", "1"}, {"model.layers.1.*", "3"}});
    rules.excluded = {"down"};
    for (const CapItem& item : sample.items(rules)) {
        CHECK(item.use.role != "down");
        const double expected = item.use.layer == 1 ? 3.0 : item.use.role == "query" ? 1.0 : 4.0;
        CHECK(item.limit == expected);
    }
}

TEST_CASE("RMS limits become L2 limits by the shape of the map, rounded down") {
    const Sample sample = gpt2();
    LimitRules rules = limits({{"", "1"}});
    rules.norm = LimitNorm::rms;
    rules.embedding_limit = "1";
    std::size_t seen = 0;
    for (const CapItem& item : sample.items(rules)) {
        const double exact = item.use.kind != WeightKind::map ? std::sqrt(8.0)
                             : item.use.role == "mlp in"      ? 2.0
                             : item.use.role == "mlp out"     ? 0.5
                                                              : 1.0;
        CHECK(item.limit <= std::nextafter(exact, 10.0));
        CHECK(item.limit >= exact * (1.0 - 1e-14));
        CHECK(item.limit * item.limit <= exact * exact * (1.0 + 1e-15));
        ++seen;
    }
    CHECK(seen == 14);
}

TEST_CASE("the embedding limit is on rows of tables and unembeddings, a tied table once") {
    const Sample sample = llama();
    LimitRules rules;
    rules.embedding_limit = "0.5";
    const auto items = sample.items(rules);
    REQUIRE(items.size() == 1);
    CHECK(items[0].by_rows);
    CHECK(items[0].limit == 0.5);
}

TEST_CASE("what selects nothing, and what is no limit, is refused as wrong usage") {
    const Sample sample = llama();
    CHECK(error_of([&] {
              (void)sample.items(limits({{"qery", "1"}}));
          }).kind() == ErrorKind::usage);
    CHECK(error_of([&] { (void)sample.items(limits({{"", "0"}})); }).kind() == ErrorKind::usage);
    CHECK(error_of([&] { (void)sample.items(limits({{"", "-1"}})); }).kind() == ErrorKind::usage);
    CHECK(error_of([&] { (void)sample.items(limits({{"", "nan"}})); }).kind() == ErrorKind::usage);
    CHECK(error_of([&] {
              (void)sample.items(limits({{"", "1e-400"}}));
          }).kind() == ErrorKind::usage);
    LimitRules rules = limits({{"", "1"}});
    rules.excluded = {"nothing"};
    CHECK(error_of([&] { (void)sample.items(rules); }).kind() == ErrorKind::usage);
}

TEST_CASE("a limit beyond every double is the largest double") {
    const Sample sample = llama();
    for (const CapItem& item : sample.items(limits({{"", "1e400"}}))) {
        CHECK(item.limit == std::numeric_limits<double>::max());
    }
}
