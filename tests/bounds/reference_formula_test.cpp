#include "lipcert/bounds/reference_formula.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/bounds/embedding_hull.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "support/probe.hpp"
#include "support/program.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

/// One layer of the architecture of arXiv 2507.13338 with V = d, identity unembedding and weights
/// that tests replace: attention scores (softmax_scale/head_dim) q.k, output W/3, MLP
/// gelu/1.1289, residual weight 1/2, embeddings of a given RMS.
struct PaperModel {
    Eigen::Index width = 1;
    Eigen::Index heads = 1;
    double softmax_scale = 1.0;
    double embedding_rms = 1.0;
    Matrix query, key, value, output, in, out;

    explicit PaperModel(Eigen::Index size, Eigen::Index head_count = 1)
        : width(size), heads(head_count) {
        query = key = value = output = in = Matrix::Identity(size, size);
        out = Matrix::Zero(size, size);
    }

    [[nodiscard]] Architecture build(GraphBuilder& builder) const {
        Attention attention;
        attention.query = builder.linear(query);
        attention.key = builder.linear(key);
        attention.value = builder.linear(value);
        attention.output = builder.linear(output);
        attention.heads = attention.key_value_heads = static_cast<std::size_t>(heads);
        attention.score_scale = Interval::exact(softmax_scale * static_cast<double>(heads) /
                                                static_cast<double>(width));
        attention.output_scale = Interval::exact(1.0) / Interval::exact(3.0);
        Mlp mlp;
        mlp.in = builder.linear(in);
        mlp.out = builder.linear(out);
        mlp.activation = Activation::gelu_erf;
        mlp.activation_scale = Interval::exact(1.0 / 1.1289);
        Architecture architecture =
            one_layer({{residual({{attention}}, 0.5, 0.5)}, {residual({{mlp}}, 0.5, 0.5)}});
        architecture.reference_formula = "newhouse-2025";
        const double norm = embedding_rms * std::sqrt(static_cast<double>(width));
        architecture.embedding.weight =
            builder.store(Matrix(norm * Matrix::Identity(width, width)));
        architecture.unembedding = builder.linear(Matrix::Identity(width, width));
        return architecture;
    }
};

/// The input (and its movement) exceeds what the formula prints, and neither of ours.
void check_counterexample(const PaperModel& paper, const Matrix& tokens, const Matrix& direction) {
    GraphBuilder builder;
    const Architecture architecture = paper.build(builder);
    const NetworkBounds bounds = compose(architecture, builder.checkpoint(), {});
    REQUIRE(bounds.reference_formula);
    REQUIRE(bounds.reference_repaired);
    const double radius = bounds.domain.radius.to_double();
    REQUIRE(tokens.rowwise().norm().maxCoeff() <= radius * (1 - 1e-5));
    const double ratio =
        quotient(ForwardModel(architecture, builder.checkpoint()), tokens, direction, 1e-6);
    INFO("measured ", ratio, ", formula ", bounds.reference_formula->to_double());
    CHECK(ratio > bounds.reference_formula->to_double());
    CHECK(ratio <= bounds.max_token_rms.upper.to_double());
    CHECK(ratio <= bounds.reference_repaired->upper.to_double());
}

}  // namespace

TEST_CASE("a1: heads that select different tokens exceed the printed formula, not ours [R20]") {
    const Eigen::Index heads = 49;  // of width 1
    const PaperModel paper(heads, heads);
    const double length = 0.999 * std::sqrt(static_cast<double>(heads));
    Matrix tokens = Matrix::Zero(heads + 1, heads);
    tokens.topRows(heads) = length * Matrix::Identity(heads, heads);
    tokens.row(heads).setConstant(0.999);
    Matrix direction = Matrix::Zero(heads + 1, heads);
    direction.topRows(heads).setIdentity();
    direction.row(heads).setConstant(1.0 / 7.0);
    check_counterexample(paper, tokens, direction);
}

TEST_CASE("a2: scores of one head exceed the norms of all heads in the printed formula [R19]") {
    const Eigen::Index heads = 16;
    const PaperModel paper(heads, heads);
    Matrix tokens = Matrix::Zero(3, heads);
    tokens(0, 0) = 3.99;
    tokens(1, 0) = -3.99;
    Matrix direction = Matrix::Zero(3, heads);
    direction(2, 0) = 1.0;
    check_counterexample(paper, tokens, direction);
}

TEST_CASE("b: an mlp is not worth 1/1.1289 of its norms once its gelu is divided [R7]") {
    PaperModel paper(1);
    paper.output.setZero();  // halves the stream, and so the mlp reads x/2
    paper.in *= 4.0;
    paper.out = Matrix::Identity(1, 1);
    check_counterexample(
        paper, Matrix::Constant(1, 1, std::sqrt(0.5)), Matrix::Constant(1, 1, 1.0));
}

TEST_CASE("c: softmax_scale does not scale the value path [R19]") {
    PaperModel paper(4, 2);
    paper.softmax_scale = 0.1;
    paper.query.setZero();
    paper.key.setZero();
    Matrix tokens = Matrix::Zero(1, 4);
    tokens(0, 0) = 1.0;
    check_counterexample(paper, tokens, tokens);
}

TEST_CASE("d: embeddings of RMS 8 exceed a formula that starts at RMS 1 [R3]") {
    PaperModel paper(1);
    paper.embedding_rms = 8.0;
    Matrix tokens = Matrix::Zero(41, 1);
    for (Eigen::Index j = 0; j < 40; ++j) {
        tokens(j, 0) = j % 2 == 0 ? 7.99 : -7.99;
    }
    Matrix direction = Matrix::Zero(41, 1);
    direction(40, 0) = 1.0;
    check_counterexample(paper, tokens, direction);
}

TEST_CASE("the printed formula evaluates as the authors' code does [R1']") {
    // Worked by hand for N = 1: embed 1, unembed 1, w v/3 = 1/3, q k = 1, s = 1, in out = 2.
    PaperModel paper(1);
    paper.in *= 2.0;
    paper.out = Matrix::Identity(1, 1);
    GraphBuilder builder;
    const Architecture architecture = paper.build(builder);
    const auto reference = reference_bounds(architecture, builder.checkpoint(), Upper::exact(1.0));
    REQUIRE(reference);
    const double expected = (0.5 + 0.5 * (1.0 + 2.0) / 3.0) * (0.5 + 0.5 * 2.0 / 1.1289);
    CHECK(reference->formula.to_double() == doctest::Approx(expected).epsilon(1e-8));
    CHECK(reference->repaired.rule == "R1'");
    const double slope = 1.128904145185154786;
    const double repaired = (0.5 + 0.5 * (1.0 + 2.0) / 3.0) * (0.5 + 0.5 * slope / 1.1289 * 2.0);
    CHECK(reference->repaired.upper.to_double() == doctest::Approx(repaired).epsilon(1e-7));
}

TEST_CASE(
    "on a trained model whose matrices have RMS norms near 4, the bound is below the formula") {
    const auto checkpoint = open_checkpoint(sample_model("moby_dick_norm4.h5"));
    const Architecture architecture =
        architecture_of(*checkpoint, find_configuration(*checkpoint, std::nullopt));
    const NetworkBounds bounds = compose(architecture, *checkpoint, {});
    REQUIRE(bounds.reference_formula);
    REQUIRE(bounds.reference_repaired);
    // The sample has no factor behind its logits, which the formula would leave out.
    CHECK(bounds.max_token_rms.upper < *bounds.reference_formula);
    CHECK(bounds.max_token_rms.upper < bounds.reference_repaired->upper);
    CHECK(compose_on_embeddings(architecture, *checkpoint, {}).max_token_rms.upper <
          bounds.max_token_rms.upper);
}

TEST_CASE("the formula is left out where the model is not of its architecture [R1']") {
    GraphBuilder builder;
    Architecture architecture = PaperModel(2).build(builder);
    CHECK(reference_bounds(architecture, builder.checkpoint(), Upper::exact(2.0)));
    Architecture other = architecture;
    other.reference_formula.reset();
    CHECK_FALSE(reference_bounds(other, builder.checkpoint(), Upper::exact(2.0)));
    other = architecture;
    std::get<Residual>(other.layers[0].modules[0].kind)
        .body.insert(std::get<Residual>(other.layers[0].modules[0].kind).body.begin(),
                     {builder.norm(NormKind::rms, 1e-5)});
    CHECK_FALSE(reference_bounds(other, builder.checkpoint(), Upper::exact(2.0)));
    other = architecture;
    auto& body = std::get<Residual>(other.layers[0].modules[0].kind).body;
    std::get<Attention>(body.front().kind).squared_distance = true;
    CHECK_FALSE(reference_bounds(other, builder.checkpoint(), Upper::exact(2.0)));
}

TEST_CASE("on random models the repair is a bound, and never below the composition's [R1']") {
    Random random(901);
    for (std::size_t i = 0; i < repetitions(10); ++i) {
        CAPTURE(i);
        PaperModel paper(4, 2);
        for (Matrix* weight :
             {&paper.query, &paper.key, &paper.value, &paper.output, &paper.in, &paper.out}) {
            *weight = random.gaussian(4, 4, 0.7);
        }
        GraphBuilder builder;
        const Architecture architecture = paper.build(builder);
        const NetworkBounds bounds = compose(architecture, builder.checkpoint(), {});
        CHECK(bounds.max_token_rms.upper <= bounds.reference_repaired->upper);
        const ForwardModel model(architecture, builder.checkpoint());
        const StreamFunction logits =
            StreamFunction::of([&](const auto& stream) { return model.logits(stream); });
        SearchOptions options;
        options.tokens = 3;
        options.dimension = 4;
        options.radius = bounds.domain.radius.to_double() * (1 - 1e-12);
        CHECK(best_ratio(logits, options, random).ratio <= bounds.max_token_rms.upper.to_double());
    }
}

}  // namespace lipcert::test
