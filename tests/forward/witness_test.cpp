#include "support/witness.hpp"

#include <cmath>

#include "support/activate.hpp"
#include "support/activations.hpp"
#include "support/decompositions.hpp"
#include "support/forward.hpp"
#include "support/graph_builder.hpp"
#include "support/random.hpp"
#include "support/witness_inputs.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

double longest_row_difference(const Matrix& matrix) {
    double longest = 0.0;
    for (Eigen::Index k = 0; k < matrix.rows(); ++k) {
        longest = std::max(longest, (matrix.rowwise() - matrix.row(k)).rowwise().norm().maxCoeff());
    }
    return longest;
}

StreamFunction blocks_of(const ForwardModel& model) {
    return StreamFunction::of([&model](const auto& stream) { return model.blocks(stream); });
}

/// A pre-norm block of everything: layer norm, rotated attention, gated MLP.
ForwardModel mixed_model(GraphBuilder& builder, Random& random) {
    const auto map = [&](Eigen::Index out, Eigen::Index in) {
        return builder.linear(random.gaussian(out, in, 0.5), random.gaussian_vector(out, 0.2));
    };
    Attention attention;
    attention.query = map(4, 4);
    attention.key = map(2, 4);
    attention.value = map(2, 4);
    attention.output = map(4, 4);
    attention.heads = 2;
    attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(0.7);
    attention.rotary = Rotary::half_split;
    const GatedMlp mlp{map(5, 4), map(5, 4), map(4, 5), Activation::mish, Interval::exact(1.0)};
    const Normalisation norm =
        builder.norm(NormKind::layer, 0.1, random.gaussian_vector(4), random.gaussian_vector(4));
    return builder.model({{residual({{norm}, {attention}}, 0.8)}, {residual({{mlp}}, 1.0, -1.0)}});
}

}  // namespace

TEST_CASE("exact derivatives agree with finite differences in extended precision") {
    Random random(21);
    for (std::size_t repetition = 0; repetition < repetitions(20); ++repetition) {
        GraphBuilder builder;
        const ForwardModel model = mixed_model(builder, random);
        const Matrix input = random.gaussian(3, 4);
        const Matrix derivative = jacobian(blocks_of(model), input);
        const Matrix direction = random.gaussian(3, 4);
        const Vector predicted = derivative * direction.reshaped<Eigen::RowMajor>();
        const Stream<long double> step = direction.cast<long double>() * 1e-6L;
        const Stream<long double> middle = input.cast<long double>();
        const Stream<long double> measured =
            (model.blocks<long double>(middle + step) - model.blocks<long double>(middle - step)) /
            2e-6L;
        const Vector seen = measured.cast<double>().reshaped<Eigen::RowMajor>();
        CHECK((predicted - seen).norm() <= 1e-8 * (1.0 + seen.norm()));
    }
}

TEST_CASE("every activation's exact derivative agrees with finite differences") {
    Random random(22);
    for (const Activation activation : lipcert::test::kActivations) {
        for (int point = 0; point < 50; ++point) {
            const double t = random.uniform(-6.0, 6.0);
            Dual seeded(t);
            seeded.derivatives(0) = 1.0;
            const long double step = 1e-7L;
            const long double ahead = activate(activation, static_cast<long double>(t) + step);
            const long double behind = activate(activation, static_cast<long double>(t) - step);
            const auto slope = static_cast<double>((ahead - behind) / (2.0L * step));
            CHECK(activate(activation, seeded).derivatives(0) ==
                  doctest::Approx(slope).epsilon(1e-6));
        }
    }
}

TEST_CASE("the search finds the exact constant of a linear map in every pair of norms") {
    Random random(23);
    for (std::size_t repetition = 0; repetition < repetitions(10); ++repetition) {
        GraphBuilder builder;
        const Matrix weight = random.gaussian(5, 4);
        const ForwardModel model = builder.model({{builder.linear(weight)}});

        struct Norms {
            OutputNorm output;
            InputNorm input;
            double exact;
        };

        for (const Norms& norms :
             {Norms{OutputNorm::max_token, InputNorm::max_token, largest_singular_value(weight)},
              Norms{OutputNorm::frobenius, InputNorm::frobenius, largest_singular_value(weight)},
              Norms{OutputNorm::entry, InputNorm::max_token, weight.rowwise().norm().maxCoeff()},
              Norms{OutputNorm::entry_difference,
                    InputNorm::max_token,
                    longest_row_difference(weight)}}) {
            SearchOptions options;
            options.tokens = 2;
            options.dimension = 4;
            options.radius = 3.0;
            options.output = norms.output;
            options.input = norms.input;
            const double ratio = best_ratio(blocks_of(model), options, random).ratio;
            CHECK(ratio <= norms.exact * (1.0 + 1e-12));
            CHECK(ratio >= norms.exact * 0.97);
        }
    }
}

TEST_CASE("tokens that an output hardly feels do not lengthen the perturbation") {
    // Squares of 1e-200 underflow: normalised carelessly, such tokens would count for millions.
    Matrix derivative = Matrix::Zero(2, 4);
    derivative(0, 0) = 2.0;
    derivative(0, 2) = 1e-200;
    derivative(1, 3) = 1e-320;
    SearchOptions options;
    options.tokens = 2;
    options.dimension = 2;
    Random random(28);
    const Gain gain = largest_gain(derivative, options, random);
    CHECK(gain.value == doctest::Approx(2.0));
    CHECK(gain.perturbation.head(2).norm() <= 1.0 + 1e-12);
    CHECK(gain.perturbation.tail(2).norm() <= 1.0 + 1e-12);
}

TEST_CASE("the search reaches the sharp constant of one attention head") {
    // R19 with values and scores multiples of the identity, tau R^2 = 1/2: (1 + sqrt 5)/2 is
    // approached as the number of tokens grows.
    GraphBuilder builder;
    const Matrix identity = Matrix::Identity(4, 4);
    Attention attention;
    attention.query = builder.linear(identity);
    attention.key = builder.linear(identity);
    attention.value = builder.linear(identity);
    attention.output = builder.linear(identity);
    attention.heads = 1;
    attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(0.5);
    attention.causal = false;
    const ForwardModel model = builder.model({{attention}});
    SearchOptions options;
    options.tokens = 8;
    options.dimension = 4;
    options.radius = 1.0;
    options.restarts = 8;
    options.steps = 40;
    Random random(24);
    const Witness witness = best_ratio(blocks_of(model), options, random);
    CHECK(witness.ratio > 1.45);
    CHECK(witness.ratio <= 0.5 * (1.0 + std::sqrt(5.0)));
    CHECK(witness.first.rowwise().norm().maxCoeff() <= 1.0);
    CHECK(witness.second.rowwise().norm().maxCoeff() <= 1.0);
}

TEST_CASE("the search finds the steep middle of a normalisation on an unbounded domain") {
    GraphBuilder builder;
    for (const double epsilon : {1e-12, 1e-5, 1e-1}) {
        const ForwardModel model = builder.model({{builder.norm(NormKind::rms, epsilon)}});
        SearchOptions options;
        options.tokens = 2;
        options.dimension = 3;
        options.pairs = 200;
        Random random(25);
        const double ratio = best_ratio(blocks_of(model), options, random).ratio;
        CHECK(ratio <= 1.0 / std::sqrt(epsilon));
        CHECK(ratio >= 0.9 / std::sqrt(epsilon));
    }
}

TEST_CASE("rounding noise is not taken for a difference") {
    // A huge constant in front: differences of 1e-9 vanish in double, and what is left is noise.
    GraphBuilder builder;
    const Matrix tiny = 1e-9 * Matrix::Identity(2, 2);
    const ForwardModel model = builder.model({{builder.linear(tiny, Vector{{1e8, 1e8}})}});
    SearchOptions options;
    options.tokens = 1;
    options.dimension = 2;
    options.radius = 1.0;
    options.pairs = 200;
    Random random(26);
    CHECK(best_ratio(blocks_of(model), options, random).ratio <= 1e-9);
}

TEST_CASE("the reach of a map over a ball is found by ascent") {
    Random random(27);
    GraphBuilder builder;
    const Matrix weight = random.gaussian(4, 3);
    const ForwardModel model = builder.model({{builder.linear(weight)}});
    SearchOptions options;
    options.tokens = 2;
    options.dimension = 3;
    options.radius = 2.0;
    options.restarts = 4;
    options.steps = 20;
    const Reach found = reach(blocks_of(model), options, random);
    const double longest = 2.0 * largest_singular_value(weight);
    CHECK(found.largest_token <= longest * (1.0 + 1e-12));
    CHECK(found.largest_token >= 0.99 * longest);
    CHECK(found.largest_entry <= 2.0 * weight.rowwise().norm().maxCoeff() * (1.0 + 1e-12));
    CHECK(found.largest_entry >= 1.98 * weight.rowwise().norm().maxCoeff());
}

}  // namespace lipcert::test
