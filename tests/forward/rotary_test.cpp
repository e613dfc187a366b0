#include <cmath>
#include <numbers>

#include "support/forward.hpp"
#include "support/graph_builder.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

/// One head whose weights are identities, so that its output shows its attention shares: values
/// are the tokens, queries and keys are `scale` times the tokens.
struct RotaryHead {
    GraphBuilder builder;
    Attention attention;

    explicit RotaryHead(Eigen::Index width) {
        const Matrix identity = Matrix::Identity(width, width);
        attention.query = builder.linear(identity);
        attention.key = builder.linear(identity);
        attention.value = builder.linear(identity);
        attention.output = builder.linear(identity);
        attention.heads = 1;
        attention.key_value_heads = 1;
        attention.score_scale = Interval::exact(1.0);
        attention.rotary = Rotary::half_split;
    }
};

}  // namespace

TEST_CASE("rotary scores depend on the difference of positions alone") {
    // A token x at positions 0 and 1 among zeros: only x.R_1 x, the score of neighbours, decides.
    // Shifting both by two positions prepends zeros, whose scores are 0 and whose values are 0.
    RotaryHead head(6);
    const ForwardModel model = head.builder.model({{head.attention}});
    Random random(11);
    const Eigen::RowVectorXd x = random.gaussian_vector(6).transpose();
    Matrix early = Matrix::Zero(4, 6);
    early.row(0) = x;
    early.row(1) = -0.5 * x;
    Matrix late = Matrix::Zero(4, 6);
    late.row(2) = x;
    late.row(3) = -0.5 * x;
    // Shares of the last of the two: e^s0, e^s1 and ones for zeros.
    const Eigen::RowVectorXd seen_early = model.blocks(early).row(1);
    const Eigen::RowVectorXd seen_late = model.blocks(late).row(3);
    // out = (e0 - 0.5 e1) x / (e0 + e1 [+ 2]); the two outputs give the same e0, e1 when relative.
    const double ratio_early = seen_early.dot(x) / x.squaredNorm();
    const double ratio_late = seen_late.dot(x) / x.squaredNorm();
    const double half = x.squaredNorm();
    double score = 0.0;  // -0.5 x . R_1 x, in pairs (i, i + 3) of frequency 10000^(-i/3)
    for (Eigen::Index pair = 0; pair < 3; ++pair) {
        const double square = x(pair) * x(pair) + x(pair + 3) * x(pair + 3);
        score -= 0.5 * square * std::cos(std::pow(10000.0, -static_cast<double>(pair) / 3.0));
    }
    const double other = std::exp(score);
    const double own = std::exp(0.25 * half);
    CHECK(ratio_early == doctest::Approx((other - 0.5 * own) / (other + own)));
    CHECK(ratio_late == doctest::Approx((other - 0.5 * own) / (other + own + 2.0)));
}

TEST_CASE("rotation keeps norms: a token's score with itself does not depend on its position") {
    RotaryHead head(4);
    for (const bool interleaved : {false, true}) {
        for (const double fraction : {0.0, 0.5, 1.0}) {
            head.attention.rotary = Rotary::partial;
            const ForwardModel model = head.builder.model(
                {{head.attention}},
                {.rotary_fraction = fraction, .rotary_interleaved = interleaved});
            Random random(12);
            const Eigen::RowVectorXd x = random.gaussian_vector(4).transpose();
            for (Eigen::Index position = 1; position < 5; ++position) {
                Matrix stream = Matrix::Zero(5, 4);
                stream.row(position) = x;
                const double own = std::exp(x.squaredNorm());
                const double share = own / (own + static_cast<double>(position));
                const Matrix seen = model.blocks(stream);
                CHECK((seen.row(position) - share * x).norm() < 1e-12);
            }
        }
    }
}

TEST_CASE("a partial rotation over whole halves is the full one, and over nothing is none") {
    RotaryHead head(6);
    Random random(13);
    const Matrix stream = random.gaussian(5, 6);
    const Matrix full = head.builder.model({{head.attention}}).blocks(stream);
    head.attention.rotary = Rotary::none;
    const Matrix none = head.builder.model({{head.attention}}).blocks(stream);
    head.attention.rotary = Rotary::partial;
    const auto partial = [&](const ForwardOptions& options) {
        return head.builder.model({{head.attention}}, options).blocks(stream);
    };
    CHECK((partial({.rotary_fraction = 1.0}) - full).norm() == 0.0);
    CHECK((partial({.rotary_fraction = 0.0}) - none).norm() == 0.0);
    CHECK((partial({.rotary_fraction = 0.5}) - full).norm() > 1e-3);
    CHECK((partial({.rotary_fraction = 0.5}) - none).norm() > 1e-3);
}

TEST_CASE("the rotary base sets how slowly the later pairs turn") {
    // d = 4: pair 1 turns by base^(-1/2) a position; with base pi^-2, by pi: its score changes
    // sign.
    RotaryHead head(4);
    const double base = 1.0 / (std::numbers::pi * std::numbers::pi);
    const ForwardModel model = head.builder.model({{head.attention}}, {.rotary_base = base});
    Matrix stream = Matrix::Zero(2, 4);
    stream(0, 1) = 1.0;
    stream(1, 1) = 1.0;
    stream(0, 0) = 0.0;
    stream(1, 3) = 1.0;
    // Token 1: score with token 0 is cos(pi) q1.k1 = -1 (pair entries 1 and 3), with itself 2.
    const double share = std::exp(-1.0) / (std::exp(-1.0) + std::exp(2.0));
    const Matrix seen = model.blocks(stream);
    CHECK(seen(1, 1) == doctest::Approx(1.0));
    CHECK(seen(1, 3) == doctest::Approx(1.0 - share));
}

}  // namespace lipcert::test
