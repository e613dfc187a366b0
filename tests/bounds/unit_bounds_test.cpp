// MLP blocks too wide for steps of a multiplier, where rules that lose are left out.
#include "bounds/unit_bounds.hpp"

#include "lipcert/bounds/searches.hpp"

#include <cmath>

#include "bounds/search_scope.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

constexpr Eigen::Index kWidth = 400;
constexpr Eigen::Index kHidden = 3800;

MlpBlock block_of(Matrix in, Matrix out, Activation activation) {
    MlpBlock block;
    block.in = {MatrixBall::of(std::move(in)), MatrixBall::zero(kHidden, 1)};
    block.out = {MatrixBall::of(std::move(out)), MatrixBall::zero(kWidth, 1)};
    block.activation = activation;
    block.activation_scale = block.branch_scale = Interval::exact(1.0);
    return block;
}

bool lists(const MlpBlockBounds& bounds, const std::string& rule) {
    for (const RuleValue& value : bounds.alternatives) {
        if (value.rule == rule) {
            return true;
        }
    }
    return false;
}

/// |(W2 diag(phi'(W1 x)) W1)^T u| for a few x and the best u near: a slope that is taken.
double slope_at_random_inputs(const MlpBlock& block, Random& random) {
    const Matrix& in = block.in.weight.centre();
    const Matrix& out = block.out.weight.centre();
    const double scale =
        std::exp2(static_cast<double>(block.in.weight.exponent() + block.out.weight.exponent()));
    double best = 0.0;
    for (int start = 0; start < 2; ++start) {
        const Vector at = in * random.gaussian_vector(kWidth);
        const Vector slopes = (at.array() > 0.0).cast<double>();
        Vector x = random.gaussian_vector(kWidth).normalized();
        for (int step = 0; step < 6; ++step) {
            const Vector image = out * slopes.cwiseProduct(in * x);
            best = std::max(best, scale * image.norm());
            x = (in.transpose() * slopes.cwiseProduct(out.transpose() * image)).normalized();
        }
    }
    return best;
}

}  // namespace

TEST_CASE("of a wide mlp rules that lose are left out, and what is stated is proved again") {
    Random random(431);
    const MlpBlock block = block_of(random.gaussian(kHidden, kWidth, 0.02),
                                    random.gaussian(kWidth, kHidden, 0.02),
                                    Activation::relu);
    const Upper radius = Upper::exact(20.0);
    Searches made;
    MlpBlockBounds bounds;
    {
        const SearchScope scope(&made);
        bounds = bound_units(block, radius, Upper::infinity(), Effort::standard);
    }
    CHECK(bounds.rule == "R10");
    CHECK(bounds.alternatives.size() == 1);
    CHECK_FALSE(bounds.domain_radius.is_finite());
    const double slope = slope_at_random_inputs(block, random);
    CHECK(slope <= bounds.lipschitz.to_double());
    const Upper norms =
        spectral_norm(block.in.weight).upper() * spectral_norm(block.out.weight).upper();
    CHECK(bounds.lipschitz < norms);
    CHECK(bounds.ball_radius < norms * radius);
    CHECK(slope * 20.0 <= bounds.ball_radius.to_double());
    CHECK(made.found().size() == 4);  // two candidates, and a number for each of R10 and R12

    Searches stated(made.found());
    {
        const SearchScope scope(&stated);
        const MlpBlockBounds again =
            bound_units(block, radius, Upper::infinity(), Effort::standard);
        CHECK(again.lipschitz == bounds.lipschitz);
        CHECK(again.ball_radius == bounds.ball_radius);
    }
    CHECK_FALSE(stated.disagreement());
}

TEST_CASE("of a wide mlp a rule that may win is computed, and wins") {
    Matrix in = Matrix::Zero(kHidden, kWidth);
    in.topRows(kWidth).setIdentity();
    const MlpBlock block = block_of(in, in.transpose(), Activation::hardswish);
    const MlpBlockBounds bounds =
        bound_units(block, Upper::exact(1.0), Upper::exact(2.0), Effort::standard);
    CHECK(bounds.rule == "R7");
    CHECK(lists(bounds, "R10"));
    CHECK(bounds.lipschitz.to_double() == doctest::Approx(1.5).epsilon(1e-8));
    CHECK(bounds.ball_radius.to_double() == doctest::Approx(1.0).epsilon(1e-4));
    CHECK(bounds.domain_radius.to_double() == doctest::Approx(2.0).epsilon(1e-4));
}

TEST_CASE("of a wide mlp the winning rule does not depend on the scale of the weights") {
    // Pairs of units read the same input with both signs, which the multiplier cannot balance: R8
    // wins.
    const double small = 1.0 / std::sqrt(399.0);
    Matrix in = Matrix::Zero(kHidden, kWidth);
    Matrix out = Matrix::Zero(kWidth, kHidden);
    for (Eigen::Index i = 0; i < kWidth; ++i) {
        in(2 * i, 0) = i == 0 ? 1.0625 : small;
        in(2 * i + 1, 0) = i == 0 ? -1.0 : -small;
        out(i, 2 * i) = out(i, 2 * i + 1) = 1.0;
    }
    for (const int exponent : {0, -12}) {
        const MlpBlock block = block_of(in, std::ldexp(1.0, exponent) * out, Activation::relu);
        const MlpBlockBounds bounds =
            bound_units(block, Upper::exact(1.0), Upper::exact(1.0), Effort::standard);
        CAPTURE(exponent);
        CHECK(bounds.rule == "R8");
        CHECK(bounds.lipschitz.scaled(-exponent).to_double() ==
              doctest::Approx(1.46807).epsilon(1e-5));
    }
}

}  // namespace lipcert::test
