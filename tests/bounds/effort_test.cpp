// Every effort gives valid bounds, more effort tighter ones; [R22].
#include "lipcert/bounds/compose.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "support/probe.hpp"
#include "support/random.hpp"
#include "support/random_graph.hpp"
#include "support/soundness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

NetworkBounds with_effort(const Architecture& architecture,
                          const GraphBuilder& builder,
                          Effort effort) {
    ComposeOptions options;
    options.effort = effort;
    return compose(architecture, builder.checkpoint(), options);
}

const RuleValue* alternative(const BlockBound& block,
                             const std::string& part,
                             const std::string& rule) {
    const auto found = std::find_if(
        block.alternatives.begin(), block.alternatives.end(), [&](const RuleValue& value) {
            return value.part == part && value.rule.find(rule) != std::string::npos;
        });
    return found == block.alternatives.end() ? nullptr : &*found;
}

/// One head whose values read the first two axes and whose keys read the other two.
Attention crossing_head(GraphBuilder& builder) {
    Matrix first = Matrix::Zero(2, 4);
    first(0, 0) = first(1, 1) = 1.0;
    Matrix last = Matrix::Zero(2, 4);
    last(0, 2) = last(1, 3) = 3.0;
    Attention attention;
    attention.value = builder.linear(first);
    attention.key = builder.linear(last);
    attention.query = builder.linear(last);
    attention.output = builder.linear(first.transpose());
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    return attention;
}

}  // namespace

TEST_CASE("bounds of every effort hold") {
    Random random(331);
    std::size_t bounded = 0;
    for (std::size_t i = 0; i < repetitions(40); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        const Architecture architecture = random_graph(builder, random);
        for (const Effort effort : {Effort::fast, Effort::max}) {
            try {
                const NetworkBounds bounds = with_effort(architecture, builder, effort);
                const ForwardModel model(architecture, builder.checkpoint());
                CHECK(attack(model, bounds, 2, {10, 2, 4, 3}, random).violations.empty());
                ++bounded;
            } catch (const Error&) {  // a block on an unbounded stream
            }
        }
    }
    CHECK(bounded > 0);
}

TEST_CASE("more effort gives tighter bounds, and a block keeps what every rule gave") {
    Random random(332);
    GraphBuilder builder;
    AttentionShape shape;
    shape.width = 12;
    shape.heads = shape.key_value_heads = 4;
    shape.head_width = 3;
    Mlp mlp;
    mlp.in = builder.linear(random.gaussian(24, 12, 0.4));
    mlp.out = builder.linear(random.gaussian(12, 24, 0.4));
    mlp.activation = Activation::gelu_erf;
    const std::vector<Module> modules = {{residual({{random_attention(builder, random, shape)}})},
                                         {residual({{mlp}})}};
    Probe probe;
    probe.width = 12;
    const Architecture architecture = probed_architecture(builder, modules, probe);
    const auto fast = with_effort(architecture, builder, Effort::fast);
    const auto standard = with_effort(architecture, builder, Effort::standard);
    const auto most = with_effort(architecture, builder, Effort::max);
    CHECK(standard.blocks_l2.upper < fast.blocks_l2.upper);
    CHECK(!(standard.blocks_l2.upper < most.blocks_l2.upper));
    CHECK(most.layers[0].blocks[1].lipschitz < standard.layers[0].blocks[1].lipschitz);
    for (const BlockBound& block : standard.layers[0].blocks) {
        CHECK(block.alternatives.size() >= 3);
    }
    const RuleValue* plain = alternative(standard.layers[0].blocks[0], "query", "R19");
    const RuleValue* shared = alternative(standard.layers[0].blocks[0], "query", "R21");
    REQUIRE(plain != nullptr);
    REQUIRE(shared != nullptr);
    CHECK(shared->upper < plain->upper);
    // What is chosen is the least of each part.
    const RuleValue* r10 = alternative(standard.layers[0].blocks[1], "mlp with skip path", "R10");
    REQUIRE(r10 != nullptr);
    CHECK(r10->upper == standard.layers[0].blocks[1].lipschitz);
}

TEST_CASE("no bound of the most effort is above that of the usual one") {
    Random random(334);
    for (std::size_t i = 0; i < repetitions(20); ++i) {
        GraphBuilder builder;
        const Architecture architecture = random_graph(builder, random);
        try {
            const NetworkBounds standard = with_effort(architecture, builder, Effort::standard);
            const NetworkBounds most = with_effort(architecture, builder, Effort::max);
            CHECK(!(standard.max_token_l2.upper < most.max_token_l2.upper));
            CHECK(!(standard.blocks_l2.upper < most.blocks_l2.upper));
            CHECK(!(standard.logit_difference.upper < most.logit_difference.upper));
            CHECK(!(standard.max_activation < most.max_activation));
        } catch (const Error&) {  // a block on an unbounded stream
        }
    }
}

TEST_CASE("half of the query part is dropped where values and keys read different axes [R22]") {
    Random random(333);
    GraphBuilder builder;
    Attention attention = crossing_head(builder);
    Probe probe;
    probe.width = 4;
    probe.tokens = 4;
    probe.restarts = 6;
    probe.steps = 40;
    const BlockBound block = proved(builder, {{attention}}, probe).layers[0].blocks[0];
    CHECK(block.rule.find("R22") != std::string::npos);
    const double kappa = 9.0;
    const double bound = block.lipschitz.to_double();
    CHECK(bound == doctest::Approx(std::sqrt(1.0 + kappa * kappa) + kappa / 2.0).epsilon(1e-4));
    const double ratio = witnessed(builder, {{attention}}, probe, random);
    CHECK(ratio <= bound);
    CHECK(ratio >= 0.3 * bound);
    // Heads that share nothing but the token: the sum over heads is refined as a whole.
    AttentionShape shape;
    shape.width = 6;
    shape.heads = shape.key_value_heads = 3;
    for (std::size_t i = 0; i < repetitions(20); ++i) {
        const Attention several = random_attention(builder, random, shape);
        Probe small;
        small.width = 6;
        CHECK(witnessed(builder, {{several}}, small, random) <=
              proved(builder, {{several}}, small).layers[0].blocks[0].lipschitz.to_double());
    }
    // The tokens are turned against each other, or their weights are not those of a covariance.
    attention.rotary = Rotary::half_split;
    CHECK(proved(builder, {{attention}}, probe).layers[0].blocks[0].rule.find("R22") ==
          std::string::npos);
    attention.rotary = Rotary::none;
    attention.score_cap = Interval::exact(1.0);
    CHECK(proved(builder, {{attention}}, probe).layers[0].blocks[0].rule.find("R22") ==
          std::string::npos);
}

TEST_CASE("the query part of R22 is reached by keys half-way between values and scores [R22]") {
    GraphBuilder builder;
    const Attention attention = crossing_head(builder);
    // The token at the origin asks: only its own movement counts, and all scores are zero.
    const Eigen::Index keys = 400;
    Matrix tokens = Matrix::Zero(keys + 1, 4);
    for (Eigen::Index j = 0; j < keys; ++j) {
        const double side = (j % 2 == 0 ? 1.0 : -1.0) / std::sqrt(2.0);
        tokens(j, 0) = tokens(j, 2) = side;
    }
    Matrix direction = Matrix::Zero(keys + 1, 4);
    direction(keys, 2) = 1.0;
    const double ratio = quotient(builder.model({{attention}}), tokens, direction, 1e-6);
    CHECK(ratio <= 4.5);  // kappa / 2
    CHECK(ratio >= 0.98 * 4.5);
}

}  // namespace lipcert::test
