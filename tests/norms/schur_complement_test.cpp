#include "norms/schur_complement.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "norms/triangular.hpp"
#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

/// B B^T with the largest eigenvalue `top`.
Matrix symmetric_with_top(test::Random& random, Eigen::Index size, double top) {
    const Matrix root = random.gaussian(size, size + 1);
    const double norm = test::largest_singular_value(root);
    return root * root.transpose() * (top / (norm * norm));
}

/// C^T (I - X)^-1 C by elimination, as good as I - X is conditioned.
Matrix exact_term(const Matrix& x, const Matrix& c) {
    Matrix rest = Matrix::Identity(x.rows(), x.rows()) - x;
    Matrix solution = c;
    for (Eigen::Index k = 0; k < rest.rows(); ++k) {
        for (Eigen::Index i = 0; i < rest.rows(); ++i) {
            if (i != k) {
                const double factor = rest(i, k) / rest(k, k);
                rest.row(i) -= factor * rest.row(k);
                solution.row(i) -= factor * solution.row(k);
            }
        }
    }
    solution = rest.diagonal().cwiseInverse().asDiagonal() * solution;
    return c.transpose() * solution;
}

/// The largest eigenvalue of the symmetric matrix a - b, by that of a shifted one.
double largest_excess(const Matrix& a, const Matrix& b) {
    const Matrix difference = 0.5 * (a - b + (a - b).transpose());
    const double shift = 2.0 * difference.norm();
    return test::largest_singular_value(difference + shift * Matrix::Identity(a.rows(), a.cols())) -
           shift;
}

Matrix value(const MatrixBall& ball) {
    return std::ldexp(1.0, static_cast<int>(ball.exponent())) * ball.centre();
}

}  // namespace

TEST_CASE("a Schur term is at least C^T (I - X)^-1 C for every member, and little more [S11]") {
    test::Random random(91);
    for (std::size_t i = 0; i < test::repetitions(60); ++i) {
        CAPTURE(i);
        const auto n = static_cast<Eigen::Index>(random.integer(1, 7));
        const auto m = static_cast<Eigen::Index>(random.integer(1, 6));
        const double top = i % 3 == 0 ? 0.9999 : random.uniform(0.0, 0.99);
        const Matrix x = symmetric_with_top(random, n, top);
        const Matrix c = random.gaussian(n, m, std::pow(10.0, random.uniform(-9.0, 9.0)));
        const double x_radius = i % 2 == 0 ? 0.0 : 1e-9 * (1.0 - top);
        const double c_radius = i % 2 == 0 ? 0.0 : 1e-9 * c.norm();
        const std::optional<SchurTerm> term =
            schur_term(MatrixBall::around(x, 0, Upper::exact(x_radius)),
                       MatrixBall::around(c, 0, Upper::exact(c_radius)));
        REQUIRE(term);
        // Members at the ends of both balls: the worst of X is a multiple of I.
        const double end = x_radius / std::sqrt(static_cast<double>(n));
        const Matrix other = random.gaussian(n, m);
        const Matrix exact =
            exact_term(x + end * Matrix::Identity(n, n), c + c_radius / other.norm() * other);
        const double slack = 1e-11 / (1.0 - top) * exact.norm();
        CHECK(largest_excess(exact, value(term->gram)) <=
              (term->excess + term->gram.radius()).to_double() + slack);
        const double loss = (term->excess + term->gram.radius()).to_double();
        CHECK(largest_excess(value(term->gram), exact) + loss <=
              1e-5 * test::largest_singular_value(exact) + slack);
    }
}

TEST_CASE("where I - X is not positive definite there is no Schur term [S11]") {
    test::Random random(92);
    const MatrixBall c = MatrixBall::of(random.gaussian(4, 3));
    const auto has_term = [&](const Matrix& x, const Upper& radius) {
        return schur_term(MatrixBall::around(x, 0, radius), c).has_value();
    };
    CHECK(has_term(symmetric_with_top(random, 4, 1.0 - 1e-9), Upper()));
    for (const double top : {1.0, 1.0 + 1e-9, 2.0, 1e100}) {
        CHECK_FALSE(has_term(symmetric_with_top(random, 4, top), Upper()));
    }
    // A member may have the eigenvalue 1.
    const Matrix x = symmetric_with_top(random, 4, 0.5);
    CHECK(has_term(x, Upper::exact(0.1)));
    CHECK_FALSE(has_term(x, Upper::exact(0.5)));
    CHECK_FALSE(has_term(x, Upper::infinity()));
    CHECK_FALSE(
        schur_term(MatrixBall::of(x), MatrixBall::around(c.centre(), 0, Upper::infinity())));
}

TEST_CASE("a Schur term takes zero matrices and those of any size [S11]") {
    const Matrix zero = Matrix::Zero(3, 3);
    const std::optional<SchurTerm> none =
        schur_term(MatrixBall::of(zero), MatrixBall::of(Matrix::Zero(3, 2)));
    REQUIRE(none);
    CHECK(none->gram.centre().isZero(0.0));
    CHECK(largest_eigenvalue(none->gram) + none->excess <= Upper::exact(0x1p-900));
    for (const long exponent : {-5000L, -1050L, 1000L, 5000L}) {
        const Matrix c = Matrix::Constant(3, 2, 0.5);
        const std::optional<SchurTerm> term =
            schur_term(MatrixBall::of(zero), MatrixBall::of(c).scaled(exponent));
        REQUIRE(term);
        const Upper top = (largest_eigenvalue(term->gram) + term->excess).scaled(-2 * exponent);
        CHECK(top >= Upper::exact(1.5));
        CHECK(top <= Upper::exact(1.5 * (1.0 + 1e-8)));
    }
}

TEST_CASE("the largest eigenvalue of a ball is bounded on both sides [S3]") {
    test::Random random(93);
    for (std::size_t i = 0; i < test::repetitions(20); ++i) {
        CAPTURE(i);
        const auto n = static_cast<Eigen::Index>(random.integer(1, 9));
        const double top = std::pow(10.0, random.uniform(-5.0, 5.0));
        const double radius = i % 2 == 0 ? 0.0 : 1e-3 * top;
        const double bound =
            largest_eigenvalue(
                MatrixBall::around(symmetric_with_top(random, n, top), 0, Upper::exact(radius)))
                .to_double();
        CHECK(bound >= (top + radius) * (1.0 - 1e-13));
        CHECK(bound <= (top + radius) * (1.0 + 1e-8));
    }
    CHECK(largest_eigenvalue(MatrixBall::around(Matrix::Zero(2, 2), 0, Upper::exact(3.0))) ==
          Upper::exact(3.0));
    // Wide enough for Lanczos in float32, without a gap.
    CHECK(largest_eigenvalue(MatrixBall::of(Matrix::Identity(150, 150))).to_double() ==
          doctest::Approx(1.0).epsilon(1e-8));
}
