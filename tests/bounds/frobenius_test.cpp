#include <algorithm>
#include <cmath>
#include <vector>

#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

TEST_CASE("no input moves a stream of n tokens further in the Frobenius norm [R27]") {
    Random random(801);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        AttentionShape shape;
        shape.heads = random.integer(1, 2) * 2;
        shape.key_value_heads = 2;
        shape.weight_gain = std::exp(random.uniform(-1.0, 1.0));
        shape.bias_gain = i % 2 == 0 ? 0.0 : 1.0;
        shape.rotary = i % 3 == 0 ? Rotary::half_split : Rotary::none;
        shape.causal = i % 4 < 2;
        Probe probe;
        probe.tokens = static_cast<Eigen::Index>(random.integer(1, 6));
        probe.radius = std::exp(random.uniform(-1.0, 1.0));
        const std::vector<Module> modules = {
            {residual({{random_attention(builder, random, shape)}}, 0.5, 1.0)}};
        const auto n = static_cast<std::size_t>(probe.tokens);
        const NetworkBounds bounds = proved(builder, modules, probe, n);
        REQUIRE(bounds.frobenius);
        const double bound = bounds.frobenius->upper.to_double();
        const double ratio = witnessed_frobenius(builder, modules, probe, random);
        CHECK(ratio <= bound);
        best = std::max(best, ratio / bound);
        CHECK(bounds.frobenius->upper <= sqrt(Upper::of_count(n)) * bounds.max_token_l2.upper);
        CHECK(bounds.sequence_length == n);
    }
    CHECK(best > 0.5);
}

TEST_CASE("when all tokens attend to one, its movement counts n times [R27]") {
    // Every token asks along e1; the first key answers loudest.
    GraphBuilder builder;
    Matrix query = Matrix::Zero(1, 2);
    query(0, 0) = 1.0;
    Matrix value = Matrix::Zero(1, 2);
    value(0, 1) = 1.0;
    Attention attention;
    attention.query = attention.key = builder.linear(query);
    attention.value = builder.linear(value);
    attention.output = builder.linear(value.transpose());
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(10.0);
    attention.causal = false;
    Matrix tokens = Matrix::Zero(9, 2);
    tokens.col(0).setConstant(1.0);
    tokens(0, 0) = 10.0;
    Matrix other = tokens;
    other(0, 1) += 1e-3;
    const ForwardModel model = builder.model({{attention}});
    const double ratio =
        (model.blocks(other) - model.blocks(tokens)).norm() / (other - tokens).norm();
    CHECK(ratio > 2.99);  // sqrt(9), although |P| = 1
    Probe probe;
    probe.width = 2;
    probe.radius = 11.0;
    CHECK(ratio <= proved(builder, {{attention}}, probe, 9).frobenius->upper.to_double());
}

TEST_CASE("modules that act token by token have one constant in both norms [R27]") {
    Random random(802);
    GraphBuilder builder;
    const std::vector<Module> modules = {{residual({{builder.linear(random.gaussian(4, 4))}})},
                                         {builder.norm(NormKind::rms, 1e-2)}};
    const NetworkBounds bounds = proved(builder, modules, {}, 100);
    CHECK(bounds.frobenius->upper == bounds.max_token_l2.upper);
}

}  // namespace lipcert::test
