#include "lipcert/bounds/attention.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "bounds/pair_scaling.hpp"
#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

struct Drawn {
    AttentionShape shape;
    Probe probe;
};

/// A random shape: one to four heads, grouped or not, widths from 2 to 8, all kinds of biases,
/// scales of both signs, radii over two decades.
Drawn draw(Random& random, Rotary rotary) {
    Drawn drawn;
    drawn.shape.key_value_heads = random.integer(1, 2);
    drawn.shape.heads = drawn.shape.key_value_heads * random.integer(1, 2);
    drawn.shape.head_width = 2 * static_cast<Eigen::Index>(random.integer(1, 2));
    drawn.shape.width = static_cast<Eigen::Index>(random.integer(2, 6));
    drawn.shape.weight_gain = std::exp(random.uniform(-1.0, 1.0));
    drawn.shape.bias_gain = random.integer(0, 1) == 0 ? 0.0 : random.uniform(0.0, 2.0);
    drawn.shape.score_scale = random.uniform(-2.0, 2.0);
    drawn.shape.rotary = rotary;
    drawn.shape.causal = random.integer(0, 1) == 0;
    drawn.probe.width = drawn.shape.width;
    drawn.probe.radius = std::exp(random.uniform(-2.3, 1.5));
    drawn.probe.tokens = static_cast<Eigen::Index>(random.integer(1, 5));
    return drawn;
}

ForwardOptions rotation(Random& random) {
    ForwardOptions options;
    options.rotary_base = 10.0;
    options.rotary_interleaved = random.integer(0, 1) == 0;
    return options;
}

}  // namespace

TEST_CASE("no input moves a random attention further than its bound [R19] [R20] [R21] [R23]") {
    Random random(301);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(120); ++i) {
        const Rotary rotary = i % 3 == 0   ? Rotary::none
                              : i % 3 == 1 ? Rotary::half_split
                                           : Rotary::partial;
        const Drawn drawn = draw(random, rotary);
        CAPTURE(i);
        GraphBuilder builder;
        const std::vector<Module> modules = {{random_attention(builder, random, drawn.shape)}};
        const BlockBound block = proved(builder, modules, drawn.probe).layers[0].blocks[0];
        const ForwardOptions options = rotation(random);
        const double bound = block.lipschitz.to_double();
        const double ratio = witnessed(builder, modules, drawn.probe, random, options);
        CHECK(ratio <= bound);
        best = std::max(best, ratio / bound);
        CHECK(reached(builder, modules, drawn.probe, random, options) <=
              block.radius_out.to_double());
    }
    CHECK(best > 0.5);  // the bounds are not merely large
}

TEST_CASE("normalised queries and keys stay within their bound, rotated or not [R16]") {
    Random random(302);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        const Rotary rotary = i % 2 == 0 ? Rotary::none : Rotary::half_split;
        const Drawn drawn = draw(random, rotary);
        CAPTURE(i);
        GraphBuilder builder;
        Attention attention = random_attention(builder, random, drawn.shape);
        const double epsilon = std::exp(random.uniform(-6.0, 0.0));
        const auto head_norm = [&](NormKind kind) {
            return builder.norm(kind,
                                epsilon,
                                random.gaussian_vector(drawn.shape.head_width),
                                random.integer(0, 1) == 0
                                    ? Vector()
                                    : random.gaussian_vector(drawn.shape.head_width));
        };
        const auto kind = static_cast<NormKind>(i % 3);
        if (i % 5 != 0) {
            attention.query_norm = head_norm(kind);
        }
        if (i % 5 != 1) {
            attention.key_norm = head_norm(kind);
        }
        const std::vector<Module> modules = {{attention}};
        const BlockBound block = proved(builder, modules, drawn.probe).layers[0].blocks[0];
        CHECK(block.rule.find("R16") != std::string::npos);
        const double bound = block.lipschitz.to_double();
        const double ratio = witnessed(builder, modules, drawn.probe, random);
        CHECK(ratio <= bound);
        best = std::max(best, ratio / bound);
    }
    CHECK(best > 0.2);
}

TEST_CASE("the bound of one head is reached on orthogonal weights and many tokens [R19]") {
    // P = I, A = 1.5 I; half of the keys at e, half at -e, x_i across: docs/theorems.md [R19].
    GraphBuilder builder;
    Attention attention;
    const Matrix identity = Matrix::Identity(2, 2);
    attention.query = builder.linear(1.5 * identity);
    attention.key = attention.value = attention.output = builder.linear(identity);
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    Probe probe;
    probe.width = 2;
    const double bound =
        proved(builder, {{attention}}, probe).layers[0].blocks[0].lipschitz.to_double();
    CHECK(bound == doctest::Approx(std::sqrt(1.0 + 2.25) + 1.5).epsilon(1e-4));

    const Eigen::Index keys = 400;
    Matrix tokens = Matrix::Zero(keys + 1, 2);
    Matrix direction(keys + 1, 2);
    for (Eigen::Index j = 0; j < keys; ++j) {
        const double side = j % 2 == 0 ? 1.0 : -1.0;
        tokens(j, 0) = side;
        // p + tau delta_j w with p = e, w = A^T x_i = 1.5 (0, 1)
        direction.row(j) << 1.0, 1.5 * side;
        direction.row(j).normalize();
    }
    tokens(keys, 1) = 1.0;
    direction.row(keys) << 1.0, 0.0;
    const double ratio = quotient(builder.model({{attention}}), 0.9999 * tokens, direction, 1e-6);
    CHECK(ratio <= bound);
    CHECK(ratio >= 0.98 * bound);
}

TEST_CASE("with rotary positions, a product of zero does not mean scores of zero [R23]") {
    // Wq^T Wk = 0, but not once k is turned against q: [R19] would claim |P|.
    GraphBuilder builder;
    Matrix query = Matrix::Zero(2, 3);
    Matrix key = Matrix::Zero(2, 3);
    query(0, 0) = 2.0;
    key(1, 1) = 2.0;
    REQUIRE((query.transpose() * key).norm() == 0.0);
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
    Probe probe;
    probe.width = 3;
    probe.radius = 2.0;
    probe.tokens = 4;
    probe.restarts = 4;
    probe.steps = 20;
    Random random(303);
    const double wrong = 1.0;  // |P| (sqrt(1 + 0) + 0)
    const double bound =
        proved(builder, {{attention}}, probe).layers[0].blocks[0].lipschitz.to_double();
    const double ratio = witnessed(builder, {{attention}}, probe, random);
    CHECK(ratio > 1.5 * wrong);
    CHECK(ratio <= bound);
}

TEST_CASE("with rotary positions, biases of queries and keys count in full [R23]") {
    // Wk^T bq = 0 and Wq^T bk = 0 without rotation.
    GraphBuilder builder;
    Matrix query = Matrix::Zero(2, 2);
    Matrix key = Matrix::Zero(2, 2);
    key(1, 1) = 1.0;
    Vector bias(2);
    bias << 4.0, 0.0;
    Attention attention;
    attention.query = builder.linear(query, bias);
    attention.key = builder.linear(key);
    attention.value = attention.output = builder.linear(Matrix::Identity(2, 2));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.rotary = Rotary::half_split;
    Probe probe;
    probe.width = 2;
    probe.radius = 1.0;
    probe.tokens = 4;
    probe.restarts = 4;
    probe.steps = 20;
    Random random(304);
    const double bound =
        proved(builder, {{attention}}, probe).layers[0].blocks[0].lipschitz.to_double();
    const double ratio = witnessed(builder, {{attention}}, probe, random);
    CHECK(ratio > 1.2);  // with R21's offset |Wk^T bq| = 0 the bound would be 1
    CHECK(ratio <= bound);
}

TEST_CASE("pairs of a rotated head are scaled against each other to the optimum [R23]") {
    // Both pairs read the same axis in the query, different axes in the key: D ~ (4, 1) gives
    // sqrt(17); D = 1 gives 4 sqrt(2), D_p^2 = |k_p|/|q_p| gives 2 sqrt(5).
    Matrix query = Matrix::Zero(4, 2);
    Matrix key = Matrix::Zero(4, 2);
    query(0, 0) = query(1, 0) = 1.0;
    key(0, 0) = 4.0;
    key(1, 1) = 1.0;
    const QueryKey head{{MatrixBall::of(query), MatrixBall::zero(4, 1)},
                        {MatrixBall::of(key), MatrixBall::zero(4, 1)}};
    const QueryKey balanced = balanced_pairs(head, Upper::exact(1.0));
    const double product =
        (spectral_norm(balanced.query.weight).upper() * spectral_norm(balanced.key.weight).upper())
            .to_double();
    CHECK(product >= std::sqrt(17.0));
    CHECK(product <= 1.015 * std::sqrt(17.0));
    // Whatever D is: it is equal on the rows of a pair, and D times the stored D^-1 is at least 1.
    Random random(308);
    const Matrix weight = random.gaussian(6, 3);
    const QueryKey any{{MatrixBall::of(weight), MatrixBall::of_vector(random.gaussian_vector(6))},
                       {MatrixBall::of(weight), MatrixBall::zero(6, 1)}};
    const QueryKey scaled = balanced_pairs(any, Upper::exact(2.0));
    const auto factor = [&](const AffineMap& map, Eigen::Index row) {
        const double entry = std::ldexp(map.weight.centre()(row, 0), int(map.weight.exponent()));
        return entry / weight(row, 0);
    };
    for (Eigen::Index p = 0; p < 3; ++p) {
        CHECK(factor(scaled.query, p) ==
              doctest::Approx(factor(scaled.query, p + 3)).epsilon(1e-15));
        CHECK(factor(scaled.query, p) * factor(scaled.key, p) >= 1.0 - 4e-16);
    }
}

TEST_CASE("a key or value bias leaves the bound alone without rotary positions [R19]") {
    Random random(305);
    GraphBuilder builder;
    AttentionShape shape;
    shape.width = 4;
    const Attention plain = random_attention(builder, random, shape);
    Attention biased = plain;
    biased.key.bias = builder.store(random.gaussian_vector(4, 10.0));
    biased.value.bias = builder.store(random.gaussian_vector(4, 10.0));
    const Probe probe;
    const auto bound_of = [&](const Attention& attention) {
        return proved(builder, {{attention}}, probe).layers[0].blocks[0].lipschitz.to_double();
    };
    CHECK(bound_of(biased) == doctest::Approx(bound_of(plain)).epsilon(1e-12));
    CHECK(witnessed(builder, {{biased}}, probe, random) <= bound_of(biased));
}

TEST_CASE("heads that share keys are bounded like heads with copies of them [R25]") {
    Random random(306);
    GraphBuilder builder;
    AttentionShape shape;
    shape.width = 6;
    shape.heads = 4;
    shape.key_value_heads = 2;
    const Attention grouped = random_attention(builder, random, shape);
    const auto repeated = [&](const LinearMap& map) {
        const Matrix stored = builder.checkpoint().read(*builder.checkpoint().find(map.weight));
        Matrix copies(8, 6);
        for (Eigen::Index head = 0; head < 4; ++head) {
            copies.middleRows(2 * head, 2) = stored.middleRows(2 * (head / 2), 2);
        }
        return builder.linear(copies);
    };
    Attention copied = grouped;
    copied.key = repeated(grouped.key);
    copied.value = repeated(grouped.value);
    copied.key_value_heads = 4;
    Probe probe;
    probe.width = 6;
    CHECK(proved(builder, {{grouped}}, probe).layers[0].blocks[0].lipschitz.to_double() ==
          doctest::Approx(
              proved(builder, {{copied}}, probe).layers[0].blocks[0].lipschitz.to_double())
              .epsilon(1e-7));
}

TEST_CASE("sharing the query beats the plain sum over heads, and says so [R21]") {
    // Four heads with equal A_h and P_h that write to different outputs.
    GraphBuilder builder;
    Attention attention;
    attention.query = builder.linear(2.0 * Matrix::Identity(8, 8));
    attention.key = attention.value = attention.output = builder.linear(Matrix::Identity(8, 8));
    attention.heads = attention.key_value_heads = 4;
    attention.score_scale = Interval::exact(1.0);
    Probe probe;
    probe.width = 8;
    probe.radius = 2.0;
    const BlockBound block = proved(builder, {{attention}}, probe).layers[0].blocks[0];
    CHECK(block.rule.find("R21") != std::string::npos);
    const double kappa = 8.0;  // tau R^2 |A_h|
    const double plain_sum = 4.0 * (std::sqrt(1.0 + kappa * kappa) + kappa);
    CHECK(block.lipschitz.to_double() < 0.51 * plain_sum);
}

TEST_CASE("a bound of the value path may not take the heads as one matrix [R20]") {
    // Heads of width 1 that each select their own token: sqrt(H) |Wo| |Wv|.
    const Eigen::Index heads = 16;
    GraphBuilder builder;
    Attention attention;
    const LinearMap identity = builder.linear(Matrix::Identity(heads, heads));
    attention.query = attention.key = attention.value = attention.output = identity;
    attention.heads = attention.key_value_heads = static_cast<std::size_t>(heads);
    attention.score_scale = Interval::exact(1.0);
    attention.causal = true;
    // Token j lies along axis j and answers to head j; the last token asks all of them.
    const double length = 20.0;
    Matrix tokens = Matrix::Zero(heads + 1, heads);
    tokens.topRows(heads) = length * Matrix::Identity(heads, heads);
    tokens.row(heads).setConstant(length / 4.0);
    // Every head moves its own entry of the output by 1.
    const Matrix direction = tokens.cwiseSign().cwiseProduct(
        (Matrix(heads + 1, heads) << Matrix::Identity(heads, heads), Matrix::Zero(1, heads))
            .finished());
    Probe probe;
    probe.width = heads;
    probe.radius = length + 1.0;
    const double ratio = quotient(builder.model({{attention}}), tokens, direction, 1e-6);
    CHECK(ratio > 3.9);  // |Wo| |Wv| = 1
    CHECK(ratio <= proved(builder, {{attention}}, probe).layers[0].blocks[0].lipschitz.to_double());
    const AttentionWeights weights{
        {MatrixBall::of(Matrix::Identity(heads, heads)), MatrixBall::zero(heads, 1)},
        {MatrixBall::of(Matrix::Identity(heads, heads)), MatrixBall::zero(heads, 1)},
        {MatrixBall::of(Matrix::Identity(heads, heads)), MatrixBall::zero(heads, 1)},
        {MatrixBall::of(Matrix::Identity(heads, heads)), MatrixBall::zero(heads, 1)},
        static_cast<std::size_t>(heads),
        static_cast<std::size_t>(heads),
        Upper::exact(1.0),
        Upper::exact(1.0),
        Rotary::none,
        std::nullopt,
        std::nullopt};
    // HS(1) is exactly sqrt(H) here, and the bound finds it.
    const double head_sum = attention_radius(weights, value_path(weights, "")).gain.to_double();
    CHECK(head_sum >= 4.0);
    CHECK(head_sum <= 4.0 + 1e-7);
}

TEST_CASE("cosine attention: directions count, and the slope is that of the shortest key [R16]") {
    // Two keys of value +-1 on the line, far apart; x asks through cos = x/max(|x|, eps).
    GraphBuilder builder;
    Attention attention;
    attention.query = attention.key = attention.value = attention.output =
        builder.linear(Matrix::Identity(1, 1));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    const double epsilon = 0.25;
    attention.query_norm = attention.key_norm = builder.norm(NormKind::unit, epsilon);
    Probe probe;
    probe.width = 1;
    probe.radius = 1.0;
    const BlockBound block = proved(builder, {{attention}}, probe).layers[0].blocks[0];
    // R r_k l_q |Wq| = 1/eps for each of both score parts, and 1 for the values.
    CHECK(block.rule.find("R16") != std::string::npos);
    CHECK(block.lipschitz.to_double() >= 1.0 + 2.0 / epsilon);
    CHECK(block.lipschitz.to_double() <= (1.0 + 2.0 / epsilon) * (1.0 + 1e-5));
    const Matrix tokens{{0.999}, {-0.999}, {0.0}};
    const Matrix direction{{0.0}, {0.0}, {1.0}};
    const ForwardModel model = builder.model({{attention}});
    // Inside of eps the query is x/eps, outside of it only its sign is left.
    const double ratio = quotient(model, tokens, direction, 1e-6);
    CHECK(ratio > 0.6 / epsilon);
    CHECK(ratio <= block.lipschitz.to_double());
    const Matrix other{{0.999}, {-0.999}, {0.5}};
    const Matrix third{{0.0}, {0.0}, {1.0}};
    CHECK(quotient(model, other, third, 1e-6) < 1.0);
    // As a module of its own it has no rule here.
    CHECK_THROWS_WITH_AS((void)proved(builder, {{builder.norm(NormKind::unit, 0.1)}}, probe),
                         doctest::Contains("queries and keys only"),
                         Error);
    attention.query_norm->epsilon = Interval::exact(0.0);
    CHECK_THROWS_AS((void)proved(builder, {{attention}}, probe), Error);
}

TEST_CASE("a normalisation over all heads at once is refused [R16]") {
    Random random(307);
    GraphBuilder builder;
    AttentionShape shape;
    Attention attention = random_attention(builder, random, shape);
    attention.query_norm = builder.norm(NormKind::rms, 1e-3, Vector::Ones(4));
    const Probe probe;
    CHECK_THROWS_AS((void)proved(builder, {{attention}}, probe), Error);
}

TEST_CASE("behind a normalisation, keys, queries and values share its slope [R39]") {
    // P = I, A = 5 I: a token at the origin asks, where the norm is steepest; the keys are at
    // +-sqrt(2) e, where it is flat. docs/theorems.md [R39].
    GraphBuilder builder;
    Attention attention;
    const Matrix identity = Matrix::Identity(2, 2);
    attention.query = builder.linear(5.0 * identity);
    attention.key = attention.value = attention.output = builder.linear(identity);
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    const Module norm = {builder.norm(NormKind::rms, 0.01)};
    const std::vector<Module> body = {norm, Module{attention}};
    const Residual block = residual(body, 0.0);
    Probe probe;
    probe.width = 2;
    probe.radius = 100.0;
    const BlockBound bound = proved(builder, {{block}}, probe).layers[0].blocks[0];
    CHECK(bound.rule.find("R39") != std::string::npos);
    const double kappa = 10.0;  // tau R^2 |A|, R^2 = 2
    CHECK(bound.lipschitz.to_double() ==
          doctest::Approx(10.0 * std::sqrt(1.0 + kappa * kappa)).epsilon(1e-6));

    const Eigen::Index keys = 1000;
    Matrix tokens = Matrix::Zero(keys + 1, 2);
    for (Eigen::Index j = 0; j < keys; ++j) {
        tokens(j, 0) = j % 2 == 0 ? 99.0 : -99.0;
    }
    Matrix direction = Matrix::Zero(keys + 1, 2);
    direction(keys, 0) = 1.0;
    const double ratio = quotient(builder.model({{block}}), tokens, direction, 1e-5);
    CHECK(ratio <= bound.lipschitz.to_double());
    CHECK(ratio >= 0.99 * bound.lipschitz.to_double());

    // As modules of their own, attention's constant must not borrow from the norm's.
    const LayerBound apart = proved(builder, body, probe).layers[0];
    CHECK(apart.blocks[1].lipschitz.to_double() >= std::sqrt(1.0 + kappa * kappa) + kappa);
    CHECK(apart.blocks[1].rule.find("R39") == std::string::npos);
}

}  // namespace lipcert::test
