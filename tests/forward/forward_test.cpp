#include "support/forward.hpp"

#include <cmath>
#include <vector>

#include "support/activate.hpp"
#include "support/graph_builder.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

Matrix identity(Eigen::Index size) {
    return Matrix::Identity(size, size);
}

double distance(const Matrix& a, const Matrix& b) {
    return (a - b).cwiseAbs().maxCoeff();
}

Attention attention_of(GraphBuilder& builder, const std::vector<Matrix>& weights) {
    Attention attention;
    attention.query = builder.linear(weights.at(0));
    attention.key = builder.linear(weights.at(1));
    attention.value = builder.linear(weights.at(2));
    attention.output = builder.linear(weights.at(3));
    attention.heads = 1;
    attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    return attention;
}

/// The rows of `weight` in blocks of `width`, each block `times` times.
Matrix repeat_heads(const Matrix& weight, Eigen::Index width, Eigen::Index times) {
    Matrix result(weight.rows() * times, weight.cols());
    for (Eigen::Index row = 0; row < result.rows(); ++row) {
        const Eigen::Index head = row / width / times;
        result.row(row) = weight.row(head * width + row % width);
    }
    return result;
}

}  // namespace

TEST_CASE("a linear map reads both layouts, slices and biases") {
    Random random(1);
    const Matrix weight = random.gaussian(6, 4);
    const Vector bias = random.gaussian_vector(6);
    const Matrix stream = random.gaussian(3, 4);
    const Matrix expected = (stream * weight.transpose()).rowwise() + bias.transpose();

    GraphBuilder builder;
    LinearMap map = builder.linear(weight, bias);
    CHECK(distance(builder.model({{map}}).blocks(stream), expected) < 1e-14);

    map.slice = OutputSlice{2, 3};
    CHECK(distance(builder.model({{map}}).blocks(stream), expected.middleCols(2, 3)) < 1e-14);

    map.weight = builder.store(Matrix(weight.transpose()));
    map.layout = Layout::in_out;
    CHECK(distance(builder.model({{map}}).blocks(stream), expected.middleCols(2, 3)) < 1e-14);
}

TEST_CASE("layer norm centres, RMS norm does not, and Gemma's weight counts from one") {
    Matrix stream(1, 2);
    stream << 3.0, 1.0;
    GraphBuilder builder;
    // mean 2, centred (1, -1), mean square 1.
    const Matrix layer = builder.model({{builder.norm(NormKind::layer, 3.0)}}).blocks(stream);
    CHECK(layer(0, 0) == doctest::Approx(0.5));
    CHECK(layer(0, 1) == doctest::Approx(-0.5));
    // mean square 5.
    Normalisation rms = builder.norm(NormKind::rms, 4.0, Vector{{2.0, 0.5}}, Vector{{10.0, 20.0}});
    const Matrix scaled = builder.model({{rms}}).blocks(stream);
    CHECK(scaled(0, 0) == doctest::Approx(2.0 * 3.0 / 3.0 + 10.0));
    CHECK(scaled(0, 1) == doctest::Approx(0.5 * 1.0 / 3.0 + 20.0));
    rms.weight_plus_one = true;
    CHECK(builder.model({{rms}}).blocks(stream)(0, 0) == doctest::Approx(3.0 * 3.0 / 3.0 + 10.0));
}

TEST_CASE("attention without scores averages the tokens it may see") {
    Random random(2);
    const Matrix stream = random.gaussian(4, 3);
    GraphBuilder builder;
    Attention attention =
        attention_of(builder, {Matrix::Zero(2, 3), Matrix::Zero(2, 3), identity(3), identity(3)});
    attention.output_scale = Interval::exact(0.5);
    const Matrix causal = builder.model({{attention}}).blocks(stream);
    CHECK(distance(causal.row(0), 0.5 * stream.row(0)) < 1e-15);
    CHECK(distance(causal.row(2), 0.5 * stream.topRows(3).colwise().mean()) < 1e-15);
    attention.causal = false;
    const Matrix full = builder.model({{attention}}).blocks(stream);
    CHECK(distance(full.row(0), 0.5 * stream.colwise().mean()) < 1e-15);
}

TEST_CASE("two tokens share attention by the logistic of their scores' difference") {
    // d = 1: scores tau x_i x_j.
    GraphBuilder builder;
    const Matrix one = Matrix::Ones(1, 1);
    Attention attention = attention_of(builder, {one, one, one, one});
    attention.score_scale = Interval::exact(0.25);
    attention.causal = false;
    Matrix stream(2, 1);
    stream << 2.0, -1.0;
    const double share = 1.0 / (1.0 + std::exp(-0.25 * (4.0 + 2.0)));
    const Matrix result = builder.model({{attention}}).blocks(stream);
    CHECK(result(0, 0) == doctest::Approx(share * 2.0 - (1.0 - share)));
    // Scores beyond exp's range still give weights.
    const Matrix hard = builder.model({{attention}}).blocks<double>(1e3 * stream);
    CHECK(hard(0, 0) == doctest::Approx(2e3));
}

TEST_CASE("a causal model does not let a token change what comes before it") {
    Random random(3);
    GraphBuilder builder;
    std::vector<Matrix> weights(4);
    for (Matrix& weight : weights) {
        weight = random.gaussian(4, 4);
    }
    Attention attention = attention_of(builder, weights);
    attention.heads = 2;
    attention.key_value_heads = 2;
    attention.rotary = Rotary::half_split;
    const ForwardModel model = builder.model({{residual({{attention}})}});
    Matrix stream = random.gaussian(5, 4);
    const Matrix before = model.blocks(stream);
    stream.row(3) *= -2.0;
    const Matrix after = model.blocks(stream);
    CHECK(distance(before.topRows(3), after.topRows(3)) == 0.0);
    CHECK(distance(before.row(4), after.row(4)) > 0.0);
}

TEST_CASE("grouped-query attention equals multi-head attention with repeated heads") {
    Random random(4);
    GraphBuilder builder;
    const Matrix key = random.gaussian(4, 8);    // 2 heads of width 2
    const Matrix value = random.gaussian(4, 8);  // shared by 6 query heads
    const Matrix query = random.gaussian(12, 8);
    const Matrix output = random.gaussian(8, 12);
    Attention grouped = attention_of(builder, {query, key, value, output});
    grouped.heads = 6;
    grouped.key_value_heads = 2;
    grouped.rotary = Rotary::half_split;
    Attention full =
        attention_of(builder, {query, repeat_heads(key, 2, 3), repeat_heads(value, 2, 3), output});
    full.heads = 6;
    full.key_value_heads = 6;
    full.rotary = Rotary::half_split;
    const Matrix stream = random.gaussian(5, 8);
    CHECK(distance(builder.model({{grouped}}).blocks(stream),
                   builder.model({{full}}).blocks(stream)) < 1e-13);
}

TEST_CASE("query and key norms act on each head before the rotation") {
    // With unit queries and keys along one axis, the score is the gain's square times the cosine.
    GraphBuilder builder;
    Attention attention =
        attention_of(builder, {identity(2), identity(2), identity(2), identity(2)});
    attention.query_norm = builder.norm(NormKind::rms, 1e-30, Vector{{1.5, 7.0}});
    attention.key_norm = attention.query_norm;
    attention.rotary = Rotary::half_split;
    Matrix stream(2, 2);
    stream << 5.0, 0.0, -3.0, 0.0;
    // Token 1: scores (1.5 sqrt 2)^2 x (-cos 1, 1).
    const double share = 1.0 / (1.0 + std::exp(-4.5 * (1.0 + std::cos(1.0))));
    const Matrix result = builder.model({{attention}}).blocks(stream);
    CHECK(result(1, 0) == doctest::Approx(share * -3.0 + (1.0 - share) * 5.0));
}

TEST_CASE("residual scales, projection, parallel branches, scale and soft-cap are as defined") {
    Random random(5);
    GraphBuilder builder;
    const Matrix a = random.gaussian(3, 3);
    const Matrix b = random.gaussian(3, 3);
    const Matrix stream = random.gaussian(2, 3);
    const Module map_a{builder.linear(a)};
    const LinearMap map_b = builder.linear(b);
    Residual block = residual({map_a}, 0.75, -0.5);
    block.projection = map_b;
    CHECK(distance(builder.model({{block}}).blocks(stream),
                   0.75 * stream * b.transpose() - 0.5 * stream * a.transpose()) < 1e-14);
    const Parallel parallel{{{map_a}, {{map_b}, {Scale{Interval::exact(2.0)}}}, {}}};
    CHECK(distance(builder.model({{parallel}}).blocks(stream),
                   stream * (a + 2.0 * b).transpose() + stream) < 1e-14);
    const Matrix capped = builder.model({{SoftCap{Interval::exact(2.0)}}}).blocks(stream);
    CHECK(capped(1, 2) == doctest::Approx(2.0 * std::tanh(stream(1, 2) / 2.0)));
}

TEST_CASE("MLP and gated MLP put the activation where it belongs") {
    Random random(6);
    GraphBuilder builder;
    const Matrix in = random.gaussian(5, 3);
    const Matrix up = random.gaussian(5, 3);
    const Matrix out = random.gaussian(3, 5);
    const Matrix stream = random.gaussian(2, 3);
    const Matrix hidden = stream * in.transpose();
    const Mlp mlp{builder.linear(in), builder.linear(out), Activation::tanh, Interval::exact(0.5)};
    CHECK(distance(builder.model({{mlp}}).blocks(stream),
                   0.5 * Matrix(hidden.array().tanh()) * out.transpose()) < 1e-14);
    const GatedMlp gated{builder.linear(in),
                         builder.linear(up),
                         builder.linear(out),
                         Activation::relu,
                         Interval::exact(2.0)};
    const Matrix gates = 2.0 * hidden.cwiseMax(0.0);
    CHECK(distance(builder.model({{gated}}).blocks(stream),
                   Matrix(gates.cwiseProduct(stream * up.transpose())) * out.transpose()) < 1e-13);
}

TEST_CASE("every activation has its published values") {
    struct Value {
        Activation activation;
        double at, value;
    };

    for (const Value& known : {Value{Activation::relu, -1.0, 0.0},
                               Value{Activation::identity, -1.5, -1.5},
                               Value{Activation::gelu_erf, 1.0, 0.8413447460685429},
                               Value{Activation::gelu_tanh, 1.0, 0.8411919906082768},
                               Value{Activation::silu, 1.0, 0.7310585786300049},
                               Value{Activation::silu, -800.0, 0.0},
                               Value{Activation::quick_gelu, 1.0, 0.8457957659328212},
                               Value{Activation::mish, 1.0, 0.8650983882673103},
                               Value{Activation::mish, -800.0, 0.0},
                               Value{Activation::mish, 800.0, 800.0},
                               Value{Activation::tanh, 0.5, 0.46211715726000973},
                               Value{Activation::hardswish, 1.0, 4.0 / 6.0},
                               Value{Activation::hardswish, -4.0, 0.0},
                               Value{Activation::hardswish, 4.0, 4.0}}) {
        CAPTURE(name_of(known.activation));
        CHECK(activate(known.activation, known.at) == doctest::Approx(known.value).epsilon(1e-14));
    }
}

TEST_CASE("embedding rows are shortened, scaled and moved by their position") {
    Architecture architecture = one_layer({});
    MemoryCheckpoint checkpoint;
    Matrix table(2, 2);
    table << 3.0, 4.0, 0.3, 0.4;
    Matrix positions(2, 2);
    positions << 0.0, 0.0, 100.0, 200.0;
    checkpoint.add("tokens", table);
    checkpoint.add("positions", positions);
    architecture.embedding.weight = "tokens";
    architecture.embedding.positions = "positions";
    architecture.embedding.scale = Interval::exact(10.0);
    architecture.embedding.max_row_norm = Interval::exact(1.0);
    const ForwardModel model(architecture, checkpoint);
    const std::vector<std::size_t> tokens{0, 1};
    const Matrix stream = model.embed(tokens);
    CHECK(stream(0, 0) == doctest::Approx(6.0));
    CHECK(stream(0, 1) == doctest::Approx(8.0));
    CHECK(stream(1, 0) == doctest::Approx(103.0));
    CHECK(stream(1, 1) == doctest::Approx(204.0));
}

}  // namespace lipcert::test
