#include "lipcert/bounds/unembedding.hpp"

#include "lipcert/bounds/compose.hpp"

#include <algorithm>
#include <cmath>

#include "support/decompositions.hpp"
#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

TEST_CASE("unembedding constants lie between the exact ones and their slack [R28]") {
    Random random(601);
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        const auto words = static_cast<Eigen::Index>(random.integer(1, 9));
        const auto width = static_cast<Eigen::Index>(random.integer(1, 5));
        Matrix table = random.gaussian(words, width);
        table.rowwise() += random.gaussian_vector(width, 3.0).transpose();
        const UnembeddingBounds bounds = unembedding_bounds(MatrixBall::of(table));
        double difference = 0.0;
        for (Eigen::Index k = 0; k < words; ++k) {
            for (Eigen::Index l = 0; l < k; ++l) {
                difference = std::max(difference, (table.row(k) - table.row(l)).norm());
            }
        }
        const double largest = table.rowwise().norm().maxCoeff();
        const double norm = largest_singular_value(table);
        CHECK(bounds.all.to_double() >= norm * (1 - 1e-14));
        CHECK(bounds.all.to_double() <= norm * (1 + 1e-7));
        CHECK(bounds.one.to_double() >= largest * (1 - 1e-14));
        CHECK(bounds.one.to_double() <= largest * (1 + 1e-12));
        CHECK(bounds.difference.to_double() >= difference * (1 - 1e-14));
        CHECK(bounds.difference <= bounds.capped_difference);
        if (words > 2) {
            CHECK(bounds.difference.to_double() <= 2.5 * difference);
        }
    }
}

TEST_CASE("the difference of two opposite rows is bounded exactly [R28]") {
    Matrix table(2, 2);
    table << 3.0, 4.0, -3.0, -4.0;
    const UnembeddingBounds bounds = unembedding_bounds(MatrixBall::of(table));
    CHECK(bounds.difference.to_double() == doctest::Approx(10.0).epsilon(1e-9));
    CHECK(unembedding_bounds(MatrixBall::of(table.topRows(1))).difference.is_zero());
}

TEST_CASE("behind a soft-cap, rows must not be centred [R17] [R28]") {
    // Rows that almost agree; a bias saturates one of the two logits.
    GraphBuilder builder;
    Matrix table(2, 2);
    table << 1.0, 0.0, 1.0, 0.04;
    Vector bias(2);
    bias << 0.0, 100.0;
    Probe probe;
    probe.width = 2;
    Architecture architecture = probed_architecture(builder, {}, probe);
    architecture.unembedding = builder.linear(table, bias);
    architecture.after_unembedding = {{SoftCap{Interval::exact(5.0)}}};
    const NetworkBounds capped = compose(architecture, builder.checkpoint(), {});

    const ForwardModel model(architecture, builder.checkpoint());
    const StreamFunction logits =
        StreamFunction::of([&](const auto& stream) { return model.logits(stream); });
    SearchOptions options;
    options.dimension = 2;
    options.output = OutputNorm::entry_difference;
    Matrix first = Matrix::Zero(1, 2);
    Matrix second = Matrix::Zero(1, 2);
    second(0, 0) = 1e-3;
    const double ratio = difference_quotient(logits, first, second, options);
    CHECK(ratio > 0.99);  // centred rows would claim 0.04
    CHECK(ratio <= capped.logit_difference.upper.to_double());

    architecture.after_unembedding.clear();
    const NetworkBounds plain = compose(architecture, builder.checkpoint(), {});
    CHECK(plain.logit_difference.upper.to_double() < 0.0401);
}

TEST_CASE("factors behind the unembedding multiply every bound on logits [R28]") {
    Random random(602);
    GraphBuilder builder;
    Probe probe;
    Architecture architecture = probed_architecture(builder, {}, probe);
    architecture.unembedding = builder.linear(random.gaussian(5, 4));
    const NetworkBounds one = compose(architecture, builder.checkpoint(), {});
    architecture.after_unembedding = {{Scale{Interval::exact(-3.0)}}};
    const NetworkBounds three = compose(architecture, builder.checkpoint(), {});
    const auto tripled = [](const Bound& before, const Bound& after) {
        return std::abs(after.upper.to_double() / before.upper.to_double() - 3.0) < 1e-14;
    };
    CHECK(tripled(one.max_token_l2, three.max_token_l2));
    CHECK(tripled(one.max_token_rms, three.max_token_rms));
    CHECK(tripled(one.logit, three.logit));
    CHECK(tripled(one.logit_difference, three.logit_difference));
    CHECK(one.max_token_rms.upper.to_double() ==
          doctest::Approx(std::sqrt(4.0 / 5.0) * one.max_token_l2.upper.to_double()));
}

}  // namespace lipcert::test
