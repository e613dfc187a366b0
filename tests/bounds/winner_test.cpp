// Each rule that competes with others has a model on which it is the least. Others are found where
// they are tested: R21, R22 and R39 for attention, R13 with R39 and R40, R30 for chains.
#include "lipcert/bounds/compose.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

BlockBound block_of(GraphBuilder& builder, const Module& module, Probe probe, Effort effort) {
    ComposeOptions options;
    options.effort = effort;
    const Architecture architecture = probed_architecture(builder, {module}, probe);
    return compose(architecture, builder.checkpoint(), options).layers[0].blocks[0];
}

/// What `rule` gives for `part`, over the least that all others give for it.
double against_others(const BlockBound& block, const std::string& part, const std::string& rule) {
    Upper own = Upper::infinity();
    Upper others = Upper::infinity();
    for (const RuleValue& value : block.alternatives) {
        if (value.part == part) {
            Upper& least = value.rule == rule ? own : others;
            least = min(least, value.upper);
        }
    }
    REQUIRE(own.is_finite());
    REQUIRE(others.is_finite());
    return own.to_double() / others.to_double();
}

Mlp random_mlp(GraphBuilder& builder, Random& random, Activation activation) {
    Mlp mlp;
    mlp.in = builder.linear(random.gaussian(12, 4, 0.5));
    mlp.out = builder.linear(random.gaussian(4, 12, 0.5));
    mlp.activation = activation;
    return mlp;
}

}  // namespace

TEST_CASE("where centring changes nothing, an mlp is bounded by its norms alone [R7]") {
    GraphBuilder builder;
    Mlp mlp;
    mlp.in = builder.linear(Matrix::Identity(3, 3));
    mlp.out = builder.linear(Matrix::Identity(3, 3));
    mlp.activation = Activation::hardswish;  // slopes in [-1/2, 3/2]: 1/2 + 1 against 3/2
    Probe probe;
    probe.width = 3;
    const BlockBound block = block_of(builder, {mlp}, probe, Effort::fast);
    CHECK(block.rule == "R7");
    CHECK(against_others(block, "mlp", "R7") <= 1.0);
}

TEST_CASE("centred slopes win over norms, and the multiplier over both [R8] [R10]") {
    Random random(351);
    GraphBuilder builder;
    Probe probe;
    const Module module{residual({{random_mlp(builder, random, Activation::gelu_erf)}})};
    const BlockBound fast = block_of(builder, module, probe, Effort::fast);
    CHECK(fast.rule == "R8");
    CHECK(against_others(fast, "mlp with skip path", "R8") < 0.95);
    const BlockBound standard = block_of(builder, module, probe, Effort::standard);
    CHECK(standard.rule == "R10");
    CHECK(against_others(standard, "mlp with skip path", "R10") < 0.95);
}

TEST_CASE("ratios win over norms in a radius [R12]") {
    Random random(352);
    GraphBuilder builder;
    Probe probe;
    const Module module{residual({{random_mlp(builder, random, Activation::relu)}})};
    const double fast = block_of(builder, module, probe, Effort::fast).radius_out.to_double();
    const double standard =
        block_of(builder, module, probe, Effort::standard).radius_out.to_double();
    CHECK(standard < 0.9 * fast);
}

TEST_CASE("heads that overlap unevenly and ask through their biases are a weighted sum [R20]") {
    // With large query biases the shared bound pays for the worst of each head at once.
    Random random(353);
    std::size_t won = 0;
    for (std::size_t i = 0; i < 20; ++i) {
        GraphBuilder builder;
        AttentionShape shape;
        shape.width = 6;
        shape.heads = shape.key_value_heads = 3;
        shape.bias_gain = 3.0;
        Probe probe;
        probe.width = 6;
        probe.radius = 0.3;
        const BlockBound block =
            block_of(builder, {random_attention(builder, random, shape)}, probe, Effort::standard);
        won += against_others(block, "values and keys", "R19 R20") < 1.0 ? 1U : 0U;
    }
    CHECK(won > 0);
}

TEST_CASE("one head alone is the plain rule of its scores [R19] [R23]") {
    Random random(354);
    for (const Rotary rotary : {Rotary::none, Rotary::half_split}) {
        GraphBuilder builder;
        AttentionShape shape;
        shape.heads = shape.key_value_heads = 1;
        shape.rotary = rotary;
        const BlockBound block = block_of(
            builder, {random_attention(builder, random, shape)}, Probe(), Effort::standard);
        CHECK(block.rule.substr(0, 3) == (rotary == Rotary::none ? "R19" : "R23"));
    }
}

}  // namespace lipcert::test
