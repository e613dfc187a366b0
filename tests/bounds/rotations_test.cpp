// Rotary positions in streams of a stated length [R43].
#include "bounds/rotations.hpp"

#include "lipcert/bounds/compose.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "support/decompositions.hpp"
#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

constexpr double kBase = 10000.0;

Matrix rotation(Index dimension, double distance) {
    const Index pairs = dimension / 2;
    Matrix result = Matrix::Zero(dimension, dimension);
    for (Index pair = 0; pair < pairs; ++pair) {
        const double angle =
            distance * std::pow(kBase, -static_cast<double>(pair) / static_cast<double>(pairs));
        result(pair, pair) = result(pair + pairs, pair + pairs) = std::cos(angle);
        result(pair, pair + pairs) = -std::sin(angle);
        result(pair + pairs, pair) = std::sin(angle);
    }
    return result;
}

BlockBound block_of(GraphBuilder& builder,
                    const Module& module,
                    const Probe& probe,
                    std::optional<std::size_t> longest_stream) {
    ComposeOptions options;
    options.longest_stream = longest_stream;
    const Architecture architecture = probed_architecture(builder, {module}, probe);
    const NetworkBounds bounds = compose(architecture, builder.checkpoint(), options);
    CHECK(bounds.domain.longest_stream == longest_stream.value_or(0));
    return bounds.layers[0].blocks[0];
}

}  // namespace

TEST_CASE("the table of rotations bounds the product by the rotations that occur [R43]") {
    Random random(361);
    for (std::size_t i = 0; i < repetitions(10); ++i) {
        const Index dimension = 2 * static_cast<Index>(random.integer(1, 3));
        const Matrix query = random.gaussian(dimension, 5);
        const Matrix key = random.gaussian(dimension, 5, 100.0);
        const long tokens = static_cast<long>(random.integer(1, 9));
        const RotationTable table({{kBase}, static_cast<std::size_t>(tokens)}, dimension);
        double exact = 0.0;
        // As a forward pass does it: both are turned by their own positions.
        for (long query_at = 0; query_at < tokens; ++query_at) {
            for (long key_at = 0; key_at < tokens; ++key_at) {
                const Matrix asked = rotation(dimension, static_cast<double>(query_at)) * query;
                const Matrix found = rotation(dimension, static_cast<double>(key_at)) * key;
                exact = std::max(exact, largest_singular_value(asked.transpose() * found));
            }
        }
        const double bound =
            table.largest_product(MatrixBall::of(query), MatrixBall::of(key)).to_double();
        CHECK(bound >= exact * (1.0 - 1e-12));
        CHECK(bound <= exact * (1.0 + 1e-6));
    }
}

TEST_CASE("no stream of the stated length refutes the bound of a rotated attention [R43] [R39]") {
    Random random(362);
    std::size_t won = 0;
    for (std::size_t i = 0; i < repetitions(30); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        AttentionShape shape;
        shape.width = 6;
        shape.head_width = 4;
        shape.heads = random.integer(1, 2);
        shape.key_value_heads = 1;
        shape.bias_gain = random.integer(0, 2) == 0 ? 1.0 : 0.0;
        shape.rotary = Rotary::half_split;
        shape.causal = random.integer(0, 1) == 0;
        Attention attention = random_attention(builder, random, shape);
        attention.rotary_angles = RotaryAngles{kBase};
        if (random.integer(0, 3) == 0) {
            attention.score_cap = Interval::exact(3.0);
        }
        Probe probe;
        probe.width = 6;
        probe.radius = random.uniform(0.3, 2.0);
        probe.tokens = static_cast<Index>(random.integer(1, 4));
        probe.steps = 10;
        Module module = {attention};
        if (random.integer(0, 1) == 0) {
            module = {residual({{builder.norm(NormKind::rms, 0.1)}, {attention}}, 0.0)};
        }
        const auto length = static_cast<std::size_t>(probe.tokens);
        const BlockBound bound = block_of(builder, module, probe, length);
        const BlockBound any = block_of(builder, module, probe, std::nullopt);
        CHECK(!(any.lipschitz < bound.lipschitz));
        CHECK(any.rule.find("R43") == std::string::npos);
        won += bound.rule.find("R43") != std::string::npos && bound.lipschitz < any.lipschitz ? 1U
                                                                                              : 0U;
        CHECK(witnessed(builder, {module}, probe, random) <= bound.lipschitz.to_double());
    }
    CHECK(6 * won > repetitions(30));
}

TEST_CASE("keys in front of their query are turned backwards: two causal tokens [R43]") {
    // The score vanishes at distance 0 and, were the key turned forwards, at distance 1; turned
    // backwards it is 7.35 times the product of the tokens.
    const double first = (std::cos(1.0) - std::cos(0.01)) / std::sin(1.0);
    GraphBuilder builder;
    Attention attention;
    attention.query = builder.linear((Matrix(4, 1) << 1.0, 1.0, 0.0, 0.0).finished());
    attention.key = builder.linear((Matrix(4, 1) << 8.0, -8.0, 8.0 * first, 0.0).finished());
    attention.value = builder.linear((Matrix(4, 1) << 1.0, 0.0, 0.0, 0.0).finished());
    attention.output = builder.linear((Matrix(1, 4) << 1.0, 0.0, 0.0, 0.0).finished());
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.rotary = Rotary::half_split;
    attention.rotary_angles = RotaryAngles{kBase};
    attention.causal = true;
    Probe probe;
    probe.width = 1;
    probe.radius = 2.0;
    // (0, -2) and (1e-4, -1.9999) are 8.35 times as far apart behind it.
    CHECK(block_of(builder, {attention}, probe, 2).lipschitz.to_double() > 8.354);
    CHECK(block_of(builder, {attention}, probe, 1).lipschitz.to_double() < 1.01);
}

TEST_CASE("a bound of short streams does not hold for longer ones [R43]") {
    // Wq^T Wk = 0 until k is turned against q: for one token at a time attention is the identity.
    GraphBuilder builder;
    Matrix query = Matrix::Zero(2, 3);
    Matrix key = Matrix::Zero(2, 3);
    query(0, 0) = 2.0;
    key(1, 1) = 2.0;
    Matrix value(2, 3);
    value << 1.0, 0.0, 0.0, 0.0, 0.0, 1.0;
    Attention attention;
    attention.query = builder.linear(query);
    attention.key = builder.linear(key);
    attention.value = builder.linear(value);
    attention.output = builder.linear(value.transpose());
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.rotary = Rotary::half_split;
    attention.rotary_angles = RotaryAngles{kBase};
    Probe probe;
    probe.width = 3;
    probe.radius = 2.0;
    probe.tokens = 4;
    probe.restarts = 4;
    probe.steps = 20;
    Random random(363);
    const double of_one = block_of(builder, {attention}, probe, 1).lipschitz.to_double();
    const double of_four = block_of(builder, {attention}, probe, 4).lipschitz.to_double();
    CHECK(of_one == doctest::Approx(1.0).epsilon(1e-4));  // a Gram factor of rank one
    const double ratio = witnessed(builder, {{attention}}, probe, random);
    CHECK(ratio > 1.5 * of_one);
    CHECK(ratio <= of_four);
    // Angles that are not known are not limited.
    attention.rotary_angles.reset();
    CHECK(block_of(builder, {attention}, probe, 1).rule.find("R43") == std::string::npos);
}

TEST_CASE("the sum of two score parts behind a shell counts both directions [R43] [R40]") {
    // One isotropic direction would have no second singular value, and R40 would halve its square.
    GraphBuilder builder;
    Attention attention;
    const Matrix identity = Matrix::Identity(4, 4);
    attention.query = attention.key = builder.linear(2.0 * identity);
    attention.value = attention.output = builder.linear(identity);
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.rotary = Rotary::half_split;
    const auto shell_bound = [&](std::optional<std::size_t> longest_stream) {
        const Module module = {residual({{builder.norm(NormKind::rms, 1e-6)}, {attention}}, 0.0)};
        Probe probe;
        const Architecture architecture = probed_architecture(builder, {module}, probe);
        Conditions conditions;
        conditions.data = "made up";
        for (const auto& [name, norm] : named_points(architecture).normalisations) {
            conditions.minimum_rms[name] = {1.0, Lower::exact(1.0)};
        }
        ComposeOptions options;
        options.conditions = &conditions;
        options.longest_stream = longest_stream;
        return compose(architecture, builder.checkpoint(), options).blocks_l2.upper.to_double();
    };
    // |Wq^T T Wk| = 4 for every rotation, as R23 has it: nothing may be gained.
    const double any = shell_bound(std::nullopt);
    attention.rotary_angles = RotaryAngles{kBase};
    CHECK(shell_bound(3) == doctest::Approx(any).epsilon(1e-4));
}

}  // namespace lipcert::test
