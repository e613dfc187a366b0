// The sign of a Gram matrix at a level, and the excess above it, against a full decomposition.
// Nothing rests on them, but a cap that aims wrong is rounded and certified again.
#include "norms/excess.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "norms/sharp_sign.hpp"
#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using estimate::GramSpectrum;

namespace {

/// With these singular values, at most 1, and random singular vectors; entries at most 1.
struct Known {
    Known(Vector singular_values, Index more_rows, test::Random& random)
        : values(std::move(singular_values)) {
        const Index n = values.size();
        right = test::orthonormal_basis(random.gaussian(n, n));
        const Matrix left = test::orthonormal_basis(random.gaussian(n + more_rows, n));
        matrix = left * values.asDiagonal() * right.transpose();
    }

    /// The function of the Gram matrix with these values.
    [[nodiscard]] Matrix function(const Vector& of_values) const {
        return right * of_values.asDiagonal() * right.transpose();
    }

    Vector values;
    Matrix right;
    Matrix matrix;
};

double norm_of(const Matrix& symmetric) {
    return test::eigenvalues(symmetric).cwiseAbs().maxCoeff();
}

/// `off` is what the excess may be off by.
void check_excess(const Known& known, double limit, double off) {
    CAPTURE(limit);
    GramSpectrum gram(known.matrix, 0);
    const auto plan = estimate::plan_sharp_sign(gram.density(), known.values.size(), limit * limit);
    REQUIRE(plan.has_value());
    const auto excess = estimate::excess_above(*plan, gram);
    REQUIRE(excess.has_value());
    const Vector& sigma = known.values;
    CHECK(excess->count == (sigma.array() > limit).count());
    const Matrix expected = known.function((1.0 - limit / sigma.array().max(limit)).matrix());
    const Matrix found = excess->matrix.cast<double>();
    CHECK(norm_of(found - expected) <= off);
    CHECK((found - found.transpose()).isZero(0.0));
    const Matrix capped = known.matrix - known.matrix * found;
    const double top = sigma.maxCoeff() * sigma.maxCoeff() / (limit * limit);
    CHECK(test::largest_singular_value(capped) <=
          limit * (1.0 + estimate::expected_overshoot(top)));
    // B^2 goes along with sigma - limit.
    const Matrix b = excess->weights.cast<double>();
    const Matrix weights = b * b;
    const Matrix best = known.function((sigma.array() - limit).max(0.0).matrix());
    CHECK(weights.cwiseProduct(best).sum() >= 0.99 * weights.norm() * best.norm());
}

}  // namespace

TEST_CASE("what exceeds a limit is found by products, whatever the spectrum is like") {
    test::Random random(0xe1);
    const Index n = 300;
    const Known even(Vector::LinSpaced(n, 1.0, 0.0), 20, random);
    for (const double limit : {0.3, 0.5, 0.75}) {
        check_excess(even, limit, 2e-4);
    }
    // A gap at the limit needs no vectors.
    Vector apart = Vector::LinSpaced(n, 1.0, 0.0);
    apart = (apart.array() > 0.5).select(apart.array() + 0.2, apart.array() - 0.2).max(0.0);
    check_excess(Known(apart / apart.maxCoeff(), 0, random), 0.45, 2e-4);
    // Equal values above, at and below.
    Vector clusters = Vector::LinSpaced(n, 1.0, 0.0);
    clusters.segment(0, 20).setConstant(1.0);
    clusters.segment(140, 20).setConstant(0.5 + 1e-3);
    clusters.segment(160, 20).setConstant(0.5 - 1e-3);
    check_excess(Known(clusters, 5, random), 0.5, 4e-4);
}

TEST_CASE("a sign is sharp next to the level, too") {
    test::Random random(0xe2);
    const Index n = 256;
    const Known known(Vector::LinSpaced(n, 1.0, 0.1), 0, random);
    // Halfway between two neighbours.
    const double middle = 0.5 * (known.values(100) + known.values(101));
    GramSpectrum gram(known.matrix, 0);
    const auto plan = estimate::plan_sharp_sign(gram.density(), n, middle * middle);
    REQUIRE(plan.has_value());
    CHECK(plan->vectors > 0);
    estimate::SymmetricFactor workspace;
    const auto sign = estimate::sharp_sign(*plan, gram, workspace);
    REQUIRE(sign.has_value());
    const Vector signs = (known.values.array() > middle).select(Vector::Ones(n), -1);
    CHECK(norm_of(sign->cast<double>() - known.function(signs)) <= 5e-3);
    CHECK(sign->diagonal().sum() == doctest::Approx(2.0 * 101 - n).epsilon(1e-3));
}

TEST_CASE("a crowd at the level is given up, and the Gram matrix stays") {
    test::Random random(0xe3);
    const Index n = 256;
    Vector values = Vector::LinSpaced(n, 1.0, 0.1);
    values.segment(60, 150).setConstant(0.5);  // more than half
    const Known known(values, 0, random);
    GramSpectrum gram(known.matrix, 0);
    // The density does not tell how many are next to the level; the subspace does.
    auto plan = estimate::plan_sharp_sign(gram.density(), n, 0.25);
    CHECK_FALSE((plan && estimate::excess_above(*plan, gram)));
    // As if it had said that there were few.
    plan = estimate::plan_sharp_sign(gram.density(), n, 0.49);
    REQUIRE(plan.has_value());
    plan->side.level = 0.25;
    plan->side.scale = 0.8;
    plan->vectors = 40;
    CHECK_FALSE(estimate::excess_above(*plan, gram).has_value());
    // As if the top had been missed.
    plan = estimate::plan_sharp_sign(gram.density(), n, 0.49);
    REQUIRE(plan.has_value());
    plan->side.scale *= 0.5;
    CHECK_FALSE(estimate::excess_above(*plan, gram).has_value());
    CHECK(gram.matrix().rows() == n);
}
