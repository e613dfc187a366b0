// Short cuts that look right and give false certificates: for each a model that the wrong bound
// fails on. Further ones stand beside the rules that they imitate: rotary positions and biases
// (attention_test), sinks and caps (score_variants_test), centring under a soft-cap
// (unembedding_test), one norm over all heads (attention_test), positions (unrolled_test).
#include "lipcert/bounds/embedding_hull.hpp"

#include <cmath>

#include "support/probe.hpp"
#include "support/random.hpp"
#include "support/witness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

Attention one_head(GraphBuilder& builder, double query_gain) {
    Attention attention;
    attention.query = builder.linear(query_gain * Matrix::Identity(2, 2));
    attention.key = attention.value = attention.output = builder.linear(Matrix::Identity(2, 2));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    return attention;
}

/// Embeddings +-0.1 on both axes.
Architecture on_small_embeddings(GraphBuilder& builder, std::vector<Module> modules) {
    Architecture architecture = one_layer(std::move(modules));
    Matrix table(4, 2);
    table << 0.1, 0.0, -0.1, 0.0, 0.0, 0.1, 0.0, -0.1;
    architecture.embedding.weight = builder.store(table);
    return architecture;
}

double bound_on_embeddings(GraphBuilder& builder, const std::vector<Module>& modules) {
    return compose_on_embeddings(on_small_embeddings(builder, modules), builder.checkpoint(), {})
        .blocks_l2.upper.to_double();
}

}  // namespace

TEST_CASE("what an earlier block's bias adds to the stream counts in later scores [R30]") {
    // The stream is embeddings + (10, 0): queries are long although no weight made them so.
    GraphBuilder builder;
    Vector shift(2);
    shift << 10.0, 0.0;
    const Residual attends = residual({{one_head(builder, 10.0)}});
    const auto model_with = [&](const Vector& bias) {
        Mlp mlp;
        mlp.in = builder.linear(Matrix::Zero(1, 2));
        mlp.out = builder.linear(Matrix::Zero(2, 1), bias);
        return std::vector<Module>{{residual({{mlp}})}, {attends}};
    };
    const std::vector<Module> modules = model_with(shift);
    const double wrong = bound_on_embeddings(builder, model_with(Vector::Zero(2)));
    const double bound = bound_on_embeddings(builder, modules);
    Matrix tokens(3, 2);
    tokens << 0.0, 0.1, 0.0, -0.1, 0.0, 0.0;
    Matrix direction(3, 2);
    direction << 1.0, 0.0, -1.0, 0.0, 0.0, 0.0;
    const double ratio = quotient(builder.model(modules), tokens, direction, 1e-6);
    CHECK(ratio > 3.0 * wrong);
    CHECK(ratio <= bound);
}

TEST_CASE("with rotary positions a key bias counts in what a block reads of the stream [R30]") {
    GraphBuilder builder;
    const auto model_with = [&](double size) {
        Attention attention = one_head(builder, 1.0);
        Vector bias(2);
        bias << size, 0.0;
        attention.key = builder.linear(Matrix::Zero(2, 2), bias);
        attention.rotary = Rotary::half_split;
        return std::vector<Module>{{residual({{attention}})}};
    };
    const std::vector<Module> modules = model_with(200.0);
    const double wrong = bound_on_embeddings(builder, model_with(0.0));
    const double bound = bound_on_embeddings(builder, modules);
    // Equal scores at the origin; a turned query prefers one of the two others.
    Matrix tokens(3, 2);
    tokens << -0.1, 0.0, 0.1, 0.0, 0.0, 0.0;
    Matrix direction = Matrix::Zero(3, 2);
    direction(2, 0) = 1.0;
    const double ratio = quotient(builder.model(modules), tokens, direction, 1e-6);
    CHECK(ratio > 3.0 * wrong);
    CHECK(ratio <= bound);
}

TEST_CASE("the centre of the slopes does not go with the half-width of the ratios [R12] [R30]") {
    // mish: slopes around .488, ratios .5 +- .5; together they would say .988 R.
    GraphBuilder builder;
    Mlp mlp;
    mlp.in = mlp.out = builder.linear(Matrix::Identity(1, 1));
    mlp.activation = Activation::mish;
    Probe probe;
    probe.width = 1;
    probe.radius = 100.0;
    const BlockBound block = proved(builder, {{mlp}}, probe).layers[0].blocks[0];
    CHECK(block.radius_out.to_double() >= 100.0 * (1.0 - 1e-12));
    CHECK(block.radius_out.to_double() <= 100.0 * (1.0 + 1e-4));
    Attention nothing = one_head(builder, 1.0);
    nothing.query = nothing.key = nothing.value = builder.linear(Matrix::Zero(1, 1));
    nothing.output = builder.linear(Matrix::Zero(1, 1));
    const BlockBound unrolled =
        proved(builder, {{residual({{nothing}})}, {residual({{mlp}}, 0.0)}}, probe)
            .layers[0]
            .blocks[1];
    CHECK(unrolled.radius_out.to_double() >= 100.0 * (1.0 - 1e-12));
}

}  // namespace lipcert::test
