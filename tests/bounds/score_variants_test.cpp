// Capped scores and attention sinks [R24].
#include "lipcert/bounds/compose.hpp"
#include "lipcert/certificate/hashing_checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

Interval cap(double level) {
    return Interval::exact(level);
}

BlockBound block_of(GraphBuilder& builder, const Attention& attention, const Probe& probe) {
    return proved(builder, {{attention}}, probe).layers[0].blocks[0];
}

/// One head of identities on the plane.
Attention plain_head(GraphBuilder& builder) {
    Attention attention;
    attention.query = attention.key = attention.value = attention.output =
        builder.linear(Matrix::Identity(2, 2));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    return attention;
}

}  // namespace

TEST_CASE("no input moves an attention with capped scores or a sink further than its bound [R24]") {
    Random random(321);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(150); ++i) {
        CAPTURE(i);
        AttentionShape shape;
        shape.key_value_heads = random.integer(1, 2);
        shape.heads = shape.key_value_heads * random.integer(1, 2);
        shape.width = static_cast<Eigen::Index>(random.integer(2, 5));
        shape.weight_gain = std::exp(random.uniform(-1.0, 1.0));
        shape.bias_gain = random.integer(0, 1) == 0 ? 0.0 : std::exp(random.uniform(-2.0, 2.0));
        shape.score_scale = random.uniform(-2.0, 2.0);
        shape.rotary = static_cast<Rotary>(i % 3);
        shape.causal = random.integer(0, 1) == 0;
        GraphBuilder builder;
        Attention attention = random_attention(builder, random, shape);
        if (i % 4 != 0) {
            attention.score_cap = cap(std::exp(random.uniform(-3.0, 2.0)));
        }
        if (i % 4 != 1) {
            const auto heads = static_cast<Eigen::Index>(shape.heads);
            const Vector scores = random.gaussian_vector(heads, 2.0);
            attention.sink = Sink{i % 5 == 0 ? "" : builder.store(scores)};
        }
        if (i % 7 == 0) {
            attention.query_norm = builder.norm(NormKind::rms, 0.1, random.gaussian_vector(2));
        }
        Probe probe;
        probe.width = shape.width;
        probe.radius = std::exp(random.uniform(-2.3, 1.5));
        probe.tokens = static_cast<Eigen::Index>(random.integer(1, 5));
        const BlockBound block = block_of(builder, attention, probe);
        CHECK(block.rule.find("R24") != std::string::npos);
        const double bound = block.lipschitz.to_double();
        const double ratio = witnessed(builder, {{attention}}, probe, random);
        CHECK(ratio <= bound);
        best = std::max(best, ratio / bound);
        CHECK(reached(builder, {{attention}}, probe, random) <= block.radius_out.to_double());
    }
    CHECK(best > 0.5);
}

TEST_CASE("with a sink that nobody sees, the bound of one head is reached as without [R24] [R19]") {
    GraphBuilder builder;
    Attention attention = plain_head(builder);
    attention.query = builder.linear(1.5 * Matrix::Identity(2, 2));
    attention.sink = Sink{builder.store(Vector(Vector::Constant(1, -50.0)))};
    Probe probe;
    probe.width = 2;
    const double bound = block_of(builder, attention, probe).lipschitz.to_double();
    CHECK(bound == doctest::Approx(std::sqrt(1.0 + 2.25) + 1.5).epsilon(1e-4));
    const Eigen::Index keys = 400;
    Matrix tokens = Matrix::Zero(keys + 1, 2);
    Matrix direction(keys + 1, 2);
    for (Eigen::Index j = 0; j < keys; ++j) {
        const double side = j % 2 == 0 ? 1.0 : -1.0;
        tokens(j, 0) = side;
        direction.row(j) << 1.0, 1.5 * side;
        direction.row(j).normalize();
    }
    tokens(keys, 1) = 1.0;
    direction.row(keys) << 1.0, 0.0;
    const double ratio = quotient(builder.model({{attention}}), 0.9999 * tokens, direction, 1e-6);
    CHECK(ratio <= bound);
    CHECK(ratio >= 0.98 * bound);
}

TEST_CASE("beside a sink a value bias moves with the scores [R24]") {
    // Wv = 0: without a sink the output is constant, and every rule without the bias says 0.
    GraphBuilder builder;
    Attention attention = plain_head(builder);
    Vector bias(2);
    bias << 2.0, 0.0;
    attention.value = builder.linear(Matrix::Zero(2, 2), bias);
    Probe probe;
    probe.width = 2;
    probe.radius = 1.0;
    probe.tokens = 1;
    probe.restarts = 4;
    probe.steps = 30;
    Random random(322);
    CHECK(block_of(builder, attention, probe).lipschitz.to_double() <= 1e-9);
    attention.sink = Sink{builder.store(Vector(Vector::Constant(1, 1.0)))};
    const double bound = block_of(builder, attention, probe).lipschitz.to_double();
    const double ratio = witnessed(builder, {{attention}}, probe, random);
    // One token x: 2 sigma(|x|^2 - 1), of slope 1 at |x| = 1.
    CHECK(ratio >= 0.98);
    CHECK(ratio <= bound);
    CHECK(bound <= 4.0 / std::sqrt(3.0) * (1.0 + 1e-4));  // keys and query: (1 + 1) 2/sqrt(3)
    // The value itself also counts in the radius, with a weight of at most 1.
    CHECK(block_of(builder, attention, probe).radius_out.to_double() ==
          doctest::Approx(2.0).epsilon(1e-6));
}

TEST_CASE("a value bias beside a sink counts no more than the scores can move it [R24]") {
    // Scores that hardly move: the bias, 57 times the values, stays where it is.
    for (const Rotary rotary : {Rotary::none, Rotary::half_split}) {
        for (const bool capped : {false, true}) {
            CAPTURE(capped);
            GraphBuilder builder;
            Attention attention = plain_head(builder);
            attention.rotary = rotary;
            attention.score_scale = Interval::exact(1e-8);
            attention.value = builder.linear(Matrix::Identity(2, 2), Vector::Constant(2, 70.0));
            attention.sink = Sink{builder.store(Vector(Vector::Constant(1, -50.0)))};
            if (capped) {
                attention.score_cap = cap(10.0);
            }
            Probe probe;
            probe.width = 2;
            probe.tokens = 2;
            Random random(325);
            const double bound = block_of(builder, attention, probe).lipschitz.to_double();
            const double ratio = witnessed(builder, {{attention}}, probe, random);
            CHECK(ratio >= 0.9);
            CHECK(ratio <= bound);
            CHECK(bound <= 1.01);
        }
    }
}

TEST_CASE("beside a sink a key bias shifts the scores of all keys but the sink's [R24]") {
    GraphBuilder builder;
    Attention attention = plain_head(builder);
    Vector bias(2);
    bias << 8.0, 0.0;
    attention.key = builder.linear(Matrix::Zero(2, 2), bias);
    Probe probe;
    probe.width = 2;
    probe.tokens = 1;
    probe.restarts = 4;
    probe.steps = 30;
    Random random(323);
    const double without = block_of(builder, attention, probe).lipschitz.to_double();
    CHECK(without == doctest::Approx(1.0).epsilon(1e-6));
    attention.sink = Sink{};
    const double ratio = witnessed(builder, {{attention}}, probe, random);
    CHECK(ratio > 1.08 * without);
    CHECK(ratio <= block_of(builder, attention, probe).lipschitz.to_double());
}

TEST_CASE("stored scores of a sink are read, so that one which is not finite is refused [R24]") {
    GraphBuilder builder;
    Attention attention = plain_head(builder);
    attention.sink = Sink{builder.store(Vector(Vector::Constant(1, 3.0)))};
    Probe probe;
    probe.width = 2;
    const Architecture architecture = probed_architecture(builder, {{attention}}, probe);
    const HashingCheckpoint hashing(builder.checkpoint());
    (void)compose(architecture, hashing, {});
    const std::vector<TensorDigest> read = hashing.digests();
    CHECK(std::any_of(read.begin(), read.end(), [&](const TensorDigest& tensor) {
        return tensor.name == attention.sink->scores;
    }));
}

TEST_CASE("under a cap of the scores a key bias counts [R24]") {
    // The key at the origin is below the cap, the others are beyond it: only its score moves with
    // the bias, which is across the query. Rules that drop the bias see kappa = 1.
    GraphBuilder builder;
    Attention attention = plain_head(builder);
    Vector bias(2);
    bias << 0.0, 60.0;
    attention.key = builder.linear(Matrix::Identity(2, 2), bias);
    const Probe probe{.width = 2, .radius = 1.0};
    const double without = block_of(builder, attention, probe).lipschitz.to_double();
    CHECK(without == doctest::Approx(std::sqrt(2.0) + 1.0).epsilon(1e-4));
    attention.score_cap = cap(0.05);
    Matrix tokens = Matrix::Zero(9, 2);
    tokens.col(0).segment(4, 5).setConstant(1.0);
    Matrix direction = Matrix::Zero(9, 2);
    direction(8, 1) = 1.0;
    const double ratio = quotient(builder.model({{attention}}), 0.999 * tokens, direction, 1e-7);
    CHECK(ratio > 4.0 * without);
    CHECK(ratio <= block_of(builder, attention, probe).lipschitz.to_double());
}

TEST_CASE("a cap or a sink leaves rotated scores without biases as they are [R24] [R23]") {
    Random random(324);
    GraphBuilder builder;
    AttentionShape shape;
    shape.rotary = Rotary::half_split;
    shape.heads = 3;
    shape.key_value_heads = 3;
    Attention attention = random_attention(builder, random, shape);
    const Probe probe;
    const double plain = block_of(builder, attention, probe).lipschitz.to_double();
    attention.score_cap = cap(1.0);
    attention.sink = Sink{};
    CHECK(block_of(builder, attention, probe).lipschitz.to_double() == plain);
}

}  // namespace lipcert::test
