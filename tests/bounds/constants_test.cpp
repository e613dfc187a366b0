// What does not depend on the input: constants in scores [R42], constant tokens [R41]; and
// activations that stand alone [R6].
#include "lipcert/bounds/compose.hpp"

#include <cmath>
#include <string>

#include "support/probe.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

/// Two-sided: tokens behind their query, the query's own, tokens ahead.
RelativeBias bias_of(GraphBuilder& builder, double behind, double ahead) {
    return {builder.store(Matrix{{0.0}, {behind}, {0.0}, {ahead}}), 20};
}

/// One head on the plane whose scores are constants alone, and whose values are the tokens.
Attention constant_scores(GraphBuilder& builder) {
    Attention attention;
    attention.query = attention.key = builder.linear(Matrix::Zero(2, 2));
    attention.value = attention.output = builder.linear(Matrix::Identity(2, 2));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    return attention;
}

/// A model that reads vectors of width 2 and puts one constant token before them.
Architecture with_class_token(GraphBuilder& builder, std::vector<Module> modules) {
    Architecture architecture = one_layer(std::move(modules));
    VectorInput vectors;
    vectors.width = 2;
    vectors.largest_entry = Interval::exact(2.0);
    vectors.beside = builder.store(Matrix{{0.0, -3.0}});
    vectors.added = builder.store(Matrix{{0.0, 0.0}, {1.0, 0.0}, {0.0, -4.0}});
    architecture.embedding.vectors = vectors;
    return architecture;
}

}  // namespace

TEST_CASE("constants in scores change no constant of an attention, and no input refutes it [R42]") {
    Random random(431);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(40); ++i) {
        CAPTURE(i);
        AttentionShape shape;
        shape.weight_gain = std::exp(random.uniform(-1.0, 1.0));
        shape.bias_gain = i % 2 == 0 ? 0.0 : 0.5;
        shape.rotary = static_cast<Rotary>(i % 3);
        shape.causal = i % 4 == 0;
        GraphBuilder builder;
        Attention attention = random_attention(builder, random, shape);
        if (i % 5 == 0) {
            attention.score_cap = Interval::exact(random.uniform(0.5, 5.0));
        }
        if (i % 7 == 0) {
            attention.sink = Sink{""};
        }
        Probe probe;
        probe.radius = std::exp(random.uniform(-2.0, 1.0));
        probe.tokens = static_cast<Eigen::Index>(random.integer(1, 5));
        const auto bound = [&] {
            return proved(builder, {{attention}}, probe).layers[0].blocks[0];
        };
        const BlockBound without = bound();
        attention.relative_bias = RelativeBias{builder.store(random.gaussian(8, 2, 3.0)), 20};
        const BlockBound with = bound();
        CHECK(with.lipschitz == without.lipschitz);
        CHECK(with.radius_out == without.radius_out);
        const double ratio = witnessed(builder, {{attention}}, probe, random);
        CHECK(ratio <= with.lipschitz.to_double());
        best = std::max(best, ratio / with.lipschitz.to_double());
        CHECK(reached(builder, {{attention}}, probe, random) <= with.radius_out.to_double());
    }
    CHECK(best > 0.5);
}

TEST_CASE("a class token counts among the tokens of the Frobenius norm [R41] [R27]") {
    // Constants make both tokens look at the vector: each moves by what it moves.
    GraphBuilder builder;
    Attention attention = constant_scores(builder);
    attention.relative_bias = bias_of(builder, -50.0, 50.0);
    const Architecture architecture = with_class_token(builder, {{attention}});
    const NetworkBounds bounds = compose(architecture, builder.checkpoint(), {1, {}});
    const ForwardModel model(architecture, builder.checkpoint());
    const Matrix moved =
        model.blocks<double>(Matrix{{0.5, 0.25}}) - model.blocks<double>(Matrix{{0.5, 1.25}});
    REQUIRE(moved.rows() == 2);
    CHECK(moved.norm() == doctest::Approx(std::sqrt(2.0)).epsilon(1e-12));
    REQUIRE(bounds.frobenius);
    CHECK(bounds.frobenius->upper.to_double() >= moved.norm());
    CHECK(bounds.frobenius->upper.to_double() <= std::sqrt(2.0) * (1.0 + 1e-12));
    CHECK(bounds.max_token_l2.upper.to_double() >= 1.0);
    CHECK(bounds.max_token_l2.upper.to_double() <= 1.0 + 1e-12);
    CHECK(bounds.max_token_l2.rule.find("R41") != std::string::npos);
}

TEST_CASE("the radius of vectors, of constant tokens and of what is added to them [R41]") {
    GraphBuilder builder;
    const LinearMap twice = builder.linear(2.0 * Matrix::Identity(2, 2));
    Architecture architecture = with_class_token(builder, {{Scale{Interval::exact(1.0)}}});
    const auto radius = [&] {
        return compose(architecture, builder.checkpoint(), {}).max_activation.to_double();
    };
    const double vectors = 2.0 * std::sqrt(2.0);
    CHECK(compose(architecture, builder.checkpoint(), {}).domain.radius.to_double() ==
          doctest::Approx(vectors).epsilon(1e-5));
    CHECK(radius() >= 3.0 + 4.0);  // the token beside is longer than a vector
    CHECK(radius() <= 7.0 * (1.0 + 1e-5));
    architecture.stem = {{twice}};
    CHECK(radius() >= 2.0 * vectors + 4.0);
    CHECK(radius() <= (2.0 * vectors + 4.0) * (1.0 + 1e-5));
    architecture.embedding.vectors->added = builder.store(Matrix{{1.0, 0.0, 3.0}});
    CHECK_THROWS_WITH(radius(), doctest::Contains("expected rows of 2"));
    // Two tokens in one row: how many there are decides the Frobenius norm, so it is not guessed.
    architecture.embedding.vectors->added.clear();
    architecture.embedding.vectors->beside = builder.store(Matrix{{1.0, 0.0, 3.0, 2.0}});
    CHECK_THROWS_WITH(radius(), doctest::Contains("expected rows of 2"));
}

TEST_CASE("an activation that stands alone has the slope of its table, which is reached [R6]") {
    Random random(432);
    for (std::size_t i = 0; i <= static_cast<std::size_t>(Activation::identity); ++i) {
        const auto activation = static_cast<Activation>(i);
        CAPTURE(i);
        GraphBuilder builder;
        Probe probe;
        probe.width = 1;
        probe.radius = 3.0;
        const BlockBound block =
            proved(builder, {{Elementwise{activation}}}, probe).layers[0].blocks[0];
        CHECK(block.kind == "activation");
        CHECK(block.rule == (activation == Activation::relu_squared ? "R44" : "R6"));
        const ForwardModel model = builder.model({{Elementwise{activation}}});
        double steepest = 0.0;
        for (double t = -3.0; t < 2.9995; t += 1e-3) {
            const Matrix x = Matrix::Constant(1, 1, t);
            steepest = std::max(steepest, quotient(model, x, Matrix::Ones(1, 1), 1e-4));
            CHECK(std::abs(model.blocks<double>(x)(0, 0)) <= block.radius_out.to_double());
        }
        CHECK(steepest <= block.lipschitz.to_double() * (1.0 + 1e-9));
        CHECK(steepest >= block.lipschitz.to_double() * 0.999);
    }
}

}  // namespace lipcert::test
