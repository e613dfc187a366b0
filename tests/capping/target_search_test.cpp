#include "lipcert/capping/target_search.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/capping/cap_model.hpp"
#include "lipcert/capping/cap_run.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "support/model_builder.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;

namespace {

/// A random model whose bound is to be lowered.
struct Subject {
    explicit Subject(Random& random) : model(tiny_lipschitz_transformer(random, options())) {
        architecture = architecture_of(*model.checkpoint, model.configuration);
        LimitRules rules;
        rules.limits = {{"", "1e400"}};
        rules.embedding_limit = "1e400";
        items = cap_items(weight_uses(architecture), *model.checkpoint, rules);
    }

    static LipschitzOptions options() {
        LipschitzOptions options;
        options.weight_gain = 2.0;
        return options;
    }

    [[nodiscard]] double log10_bound(const Checkpoint& checkpoint) const {
        return compose(architecture, checkpoint, {}).max_token_l2.upper.log10();
    }

    [[nodiscard]] TargetSearch search(const Progress& progress) const {
        return {*model.checkpoint,
                items,
                [this](const Checkpoint& shrunk) { return log10_bound(shrunk); },
                progress};
    }

    TinyModel model;
    Architecture architecture;
    std::vector<CapItem> items;
};

/// The limits as normalize would apply them, in a checkpoint of their own.
double log10_bound_at(const Subject& subject, const std::vector<CapItem>& plan) {
    OverlayCheckpoint weights(*subject.model.checkpoint);
    const Progress silent;
    (void)cap_model(weights, plan, {}, silent);
    return subject.log10_bound(weights);
}

}  // namespace

TEST_CASE("a plan meets its target, and is not for far below it") {
    Random random(901);
    for (std::size_t i = 0; i < repetitions(3); ++i) {
        const Subject subject(random);
        const Progress silent;
        TargetSearch search = subject.search(silent);
        const double start = subject.log10_bound(*subject.model.checkpoint);
        const double target = start - random.uniform(0.2, 1.0);
        const std::vector<CapItem> plan = search.plan(target);
        REQUIRE(plan.size() == subject.items.size());
        const double reached = log10_bound_at(subject, plan);
        CHECK(reached <= target + 1e-3);
        CHECK(reached >= target - 0.02);
        // Asked for less, it goes further.
        CHECK(log10_bound_at(subject, search.plan(target - 0.1)) < reached);
    }
}

TEST_CASE("a plan changes the weights less, in logarithms, than equal shrinking does") {
    Random random(902);
    const Subject subject(random);
    const Progress silent;
    TargetSearch search = subject.search(silent);
    const double target = subject.log10_bound(*subject.model.checkpoint) - 1.0;
    const auto log_change = [&subject](const std::vector<CapItem>& plan) {
        double sum = 0.0;
        for (const CapItem& item : plan) {
            const Matrix part = part_of(
                subject.model.checkpoint->read(*subject.model.checkpoint->find(item.use.tensor)),
                item);
            const double norm = item.by_rows ? part.rowwise().norm().maxCoeff()
                                             : spectral_norm(part).spectral.upper().to_double();
            sum += std::pow(std::log(norm / item.limit), 2);
        }
        return sum;
    };
    const std::vector<CapItem> plan = search.plan(target);
    // Equal shrinking by the factor that the same bound needs.
    double low = 0.0;
    double high = 5.0;
    std::vector<CapItem> uniform = subject.items;
    while (high - low > 1e-3) {
        const double x = 0.5 * (low + high);
        for (std::size_t i = 0; i < uniform.size(); ++i) {
            const Matrix part = part_of(subject.model.checkpoint->read(
                                            *subject.model.checkpoint->find(uniform[i].use.tensor)),
                                        uniform[i]);
            const double norm = uniform[i].by_rows
                                    ? part.rowwise().norm().maxCoeff()
                                    : spectral_norm(part).spectral.upper().to_double();
            uniform[i].limit = norm * std::exp(-x);
        }
        (log10_bound_at(subject, uniform) > target ? low : high) = x;
    }
    CHECK(log_change(plan) < log_change(uniform));
}

TEST_CASE("a target is met where the tied head is stored again, and both stay equal") {
    Random random(904);
    Gpt2Options options;
    options.lm_head_stored = true;
    const TinyModel model = tiny_gpt2(random, options);
    const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
    LimitRules rules;
    rules.limits = {{"", "1e400"}};
    rules.embedding_limit = "1e400";
    CapTask task;
    task.items = cap_items(weight_uses(architecture), *model.checkpoint, rules);
    const double start =
        compose(architecture, *model.checkpoint, {}).max_token_rms.upper.to_double();
    task.target = CapTarget{"", Lower::exact(0.05 * start), "max_token_rms"};
    const Progress silent;
    const CappedModel capped = cap_to_limits(*model.checkpoint, &architecture, task, silent);
    CHECK(capped.meets_target);
    CHECK(capped.holds());
    const auto read = [&capped](const std::string& name) {
        return capped.weights->read(*capped.weights->find(name));
    };
    CHECK(read("lm_head.weight") == read("transformer.wte.weight"));
    CHECK(read("lm_head.weight") !=
          model.checkpoint->read(*model.checkpoint->find("lm_head.weight")));
    (void)architecture_of(*capped.weights, model.configuration);  // throws where they differ
}

TEST_CASE("what even vanishing weights do not meet has no plan, and the floor says so") {
    Random random(903);
    const Subject subject(random);
    const Progress silent;
    TargetSearch search(
        *subject.model.checkpoint,
        subject.items,
        [&subject](const Checkpoint& shrunk) {
            return compose(subject.architecture, shrunk, {}).blocks_l2.upper.log10();
        },
        silent);
    // The skip paths stay.
    CHECK(search.plan(-6.0).empty());
    CHECK(search.log10_floor() > -6.0);
}
