// Estimates that decide where a proof is tried: they must be good where the ways of the norm engine
// expect it, and say how good they are.
#include "norms/krylov_space.hpp"

#include <cmath>
#include <limits>

#include "support/decompositions.hpp"
#include "support/random.hpp"
#include "support/thread_count.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// Q diag(values) Q^T for a random orthogonal Q; garbage above the diagonal.
FloatMatrix with_eigenvalues(const Vector& values, test::Random& random) {
    const Matrix q = test::orthonormal_basis(random.gaussian(values.size(), values.size()));
    FloatMatrix lower = (q * values.asDiagonal() * q.transpose()).cast<float>();
    lower.triangularView<Eigen::StrictlyUpper>().setConstant(std::nanf(""));
    return lower;
}

Matrix symmetric(const FloatMatrix& lower) {
    return lower.cast<double>().selfadjointView<Eigen::Lower>();
}

}  // namespace

TEST_CASE("Ritz pairs come in order, and their residuals are what they say") {
    test::Random random(81);
    const FloatMatrix lower = with_eigenvalues(Vector::LinSpaced(200, 0.0, 4.0), random);
    const auto pairs = leading_ritz_pairs(lower, until_good_top);
    REQUIRE(pairs);
    REQUIRE(pairs->values.size() == kLeadingPairs);
    CHECK(pairs->values(0) == doctest::Approx(4.0).epsilon(1e-6));
    const Matrix a = symmetric(lower);
    for (Index i = 0; i < kLeadingPairs; ++i) {
        CAPTURE(i);
        const Vector v = pairs->vectors.col(i);
        CHECK(v.norm() == doctest::Approx(1.0).epsilon(1e-5));
        CHECK((i == 0 || pairs->values(i) <= pairs->values(i - 1)));
        const double residual = (a * v - pairs->values(i) * v).norm();
        CHECK(std::abs(residual - pairs->residuals(i)) <= 0.01 * residual + 2e-5);
    }
}

TEST_CASE("further starts see every copy of a repeated eigenvalue, one does not") {
    test::Random random(82);
    Vector values = Vector::LinSpaced(150, 0.0, 0.5);
    values.tail(5).setOnes();
    const FloatMatrix lower = with_eigenvalues(values, random);
    const auto one = leading_ritz_pairs(lower, until_good_top);
    REQUIRE(one);
    CHECK((one->values.array() > 0.99).count() < 5);
    int starts = 0;
    const auto several = leading_ritz_pairs(lower, [&starts](const RitzPairs&) {
        return ++starts < 8 ? Search{.with_new_start = 12} : Search{.ends = true};
    });
    REQUIRE(several);
    CHECK((several->values.array() > 0.99).count() == 5);
    CHECK(several->residuals.head(5).maxCoeff() <= 1e-4);
}

TEST_CASE("the pairs are the same on one thread and on two") {
    test::Random random(83);
    const FloatMatrix lower = with_eigenvalues(Vector::LinSpaced(1500, 0.0, 2.0), random);
    const auto on_threads = [&lower](int count) {
        const test::ThreadCount threads(count);
        return leading_ritz_pairs(lower, until_good_top);
    };
    const auto one = on_threads(1);
    const auto two = on_threads(2);
    REQUIRE((one && two));
    CHECK(one->values == two->values);
    CHECK(one->vectors == two->vectors);
}

TEST_CASE("an invariant space is left for another vector, and all of a small one is seen") {
    const FloatMatrix identity = FloatMatrix::Identity(30, 30);
    const auto pairs = leading_ritz_pairs(identity, [](const RitzPairs&) { return Search(); });
    REQUIRE(pairs);
    REQUIRE(pairs->values.size() == kLeadingPairs);
    CHECK((pairs->values.array() - 1.0).abs().maxCoeff() <= 1e-5);
    CHECK((pairs->vectors.transpose() * pairs->vectors -
           Matrix::Identity(kLeadingPairs, kLeadingPairs))
              .norm() <= 1e-4);
    const FloatMatrix zero = FloatMatrix::Zero(3, 3);
    const auto none = leading_ritz_pairs(zero, until_good_top);
    REQUIRE(none);
    CHECK(none->values.cwiseAbs().maxCoeff() == 0.0);
}

TEST_CASE("numbers that are not finite give no pairs") {
    FloatMatrix lower = FloatMatrix::Identity(40, 40);
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        lower(20, 10) = bad;
        CHECK_FALSE(leading_ritz_pairs(lower, [](const RitzPairs&) { return Search(); }));
    }
}
