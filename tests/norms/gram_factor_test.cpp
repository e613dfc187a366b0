#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <cmath>

#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

/// M M^T <= L L^T for the centre M, decided in exact integers; `slack` = 0 up to strictness.
void check_dominates(const Matrix& matrix) {
    const MatrixBall ball = MatrixBall::of(matrix);
    const MatrixBall factor = gram_factor(ball);
    REQUIRE(factor.rows() == matrix.rows());
    REQUIRE(factor.cols() == matrix.rows());
    CHECK(factor.radius().is_zero());
    const Matrix lower = factor.centre().triangularView<Eigen::Lower>();
    CHECK(lower == factor.centre());
    const double scale = std::ldexp(1.0, static_cast<int>(factor.exponent() - ball.exponent()));
    CHECK(test::dominates(scale * factor.centre(), ball.centre(), BigFloat(0x1p-200)));
}

/// M M^T + excess >= L L^T with an excess of rounding size.
void check_excess(const Matrix& matrix) {
    const MatrixBall ball = MatrixBall::of(matrix);
    const MatrixBall factor = gram_factor(ball);
    const double scale = std::ldexp(1.0, static_cast<int>(factor.exponent() - ball.exponent()));
    const Upper norm = frobenius_norm(ball).scaled(-ball.exponent());
    const double count = static_cast<double>(std::max(matrix.rows(), matrix.cols()) + 20);
    const Upper excess = Upper::exact(8.0 * count) * unit_roundoff() * norm * norm;
    CHECK(test::dominates(ball.centre(), scale * factor.centre(), excess.value()));
}

}  // namespace

TEST_CASE("L L^T dominates M M^T exactly and by little, for every shape and rank") {
    test::Random random(61);
    for (std::size_t trial = 0; trial < test::repetitions(30); ++trial) {
        const auto rows = static_cast<Eigen::Index>(random.integer(1, 9));
        const auto cols = static_cast<Eigen::Index>(random.integer(1, 14));
        const Matrix matrix =
            random.gaussian(rows, cols) * std::ldexp(1.0, static_cast<int>(trial % 30) - 15);
        check_dominates(matrix);
        check_excess(matrix);
    }
    check_dominates(Matrix::Ones(6, 9));
    check_excess(Matrix::Ones(6, 9));
    check_dominates(Matrix::Identity(7, 3));
    check_dominates(Matrix::Constant(4, 4, 0x1p-1074));
    check_dominates(Matrix::Constant(4, 4, 0x1p1023));
}

TEST_CASE("a zero matrix has a factor, and a ball around zero has radius times the identity") {
    const MatrixBall zero = gram_factor(MatrixBall::zero(3, 5));
    CHECK(zero.rows() == 3);
    CHECK(zero.cols() == 3);
    CHECK(spectral_norm(zero).upper().is_zero());
    for (const long exponent : {0L, -40L, 900L, -5000L, 40000L}) {
        const Upper radius = Upper::exact(0.3).scaled(exponent);
        const MatrixBall fuzzy = gram_factor(MatrixBall::around(Matrix::Zero(3, 5), 0, radius));
        CHECK(spectral_norm(fuzzy).upper() >= radius);
        CHECK(spectral_norm(fuzzy).upper() <= Upper::exact(1.000001) * radius);
        CHECK(fuzzy.centre()(2, 2) > 0.0);
    }
}

TEST_CASE("every member of a ball is dominated, also at its edge") {
    test::Random random(62);
    for (const double radius : {1e-12, 1e-3, 0.5, 3.0}) {
        const Matrix centre = random.gaussian(5, 8);
        const MatrixBall ball = MatrixBall::around(centre, 0, Upper::exact(radius));
        const MatrixBall factor = gram_factor(ball);
        const double scale = std::ldexp(1.0, static_cast<int>(factor.exponent()));
        for (int trial = 0; trial < 10; ++trial) {
            const Matrix direction = random.gaussian(5, 8);
            const Matrix member = centre + (0.999999 * radius / direction.norm()) * direction;
            CHECK(test::dominates(scale * factor.centre(), member, BigFloat(0x1p-200)));
        }
        // Along the top singular vectors the member moves furthest.
        const Matrix outward = centre * (1.0 + 0.999999 * radius / centre.norm());
        CHECK(test::dominates(scale * factor.centre(), outward, BigFloat(0x1p-200)));
    }
}

TEST_CASE("the shift covers the rounding of a long inner product") {
    // 1 x 1000: L^2 exceeds 250 by at least gamma_1001 * 250 (S1), and by no more than 10 times it.
    const MatrixBall factor = gram_factor(MatrixBall::of(Matrix::Constant(1, 1000, 0.5)));
    const Upper length = Upper::exact(factor.centre()(0, 0)).scaled(factor.exponent());
    const Upper error = lipcert::gamma(1001) * Upper::exact(250.0);
    CHECK(square(length) >= Upper::exact(250.0) + error);
    CHECK(square(length) <= Upper::exact(250.0) + Upper::exact(10.0) * error);
}

TEST_CASE("for one number every term of the shift is needed") {
    // |1 + d| <= 4 for |d| <= 3: 2 r + r^2 = 15.
    const MatrixBall wide =
        gram_factor(MatrixBall::around(Matrix::Ones(1, 1), 0, Upper::exact(3.0)));
    CHECK(spectral_norm(wide).upper() >= Upper::exact(4.0));
    // Without a radius: gamma_2 (S1), gamma_11 (S2) and U for the diagonal remain.
    const MatrixBall narrow = gram_factor(MatrixBall::of(Matrix::Ones(1, 1)));
    const Upper length = Upper::exact(narrow.centre()(0, 0)).scaled(narrow.exponent());
    CHECK(square(length) >= Upper::exact(1.0 + 14.0 * 0x1p-52));
    CHECK(square(length) <= Upper::exact(1.0 + 60.0 * 0x1p-52));
}

TEST_CASE("a radius near the square root of overflow still has a factor") {
    for (const double radius : {1e150, 9e153, 1.2e154, 1.3e154, 2e154}) {
        CAPTURE(radius);
        const MatrixBall ball =
            MatrixBall::around(Matrix::Constant(2, 2, 0.75), 0, Upper::exact(radius));
        const MatrixBall factor = gram_factor(ball);
        CHECK(factor.radius().is_zero());
        // L L^T >= M M^T for the members centre +- radius * (unit matrix): decided exactly, at a
        // scale where the squares are finite.
        const double scale = std::ldexp(1.0, static_cast<int>(factor.exponent()) - 520);
        const Matrix lower = scale * factor.centre();
        for (const double sign : {1.0, -1.0}) {
            const double edge = sign * 0.999999 * radius / 2.0;
            const Matrix member = 0x1p-520 * (ball.centre() + Matrix::Constant(2, 2, edge));
            CHECK(test::dominates(lower, member, BigFloat(0x1p-200)));
            const Matrix corner = 0x1p-520 * 2.0 * edge * Matrix::Identity(2, 2).col(0) *
                                  Matrix::Identity(2, 2).row(1);
            CHECK(test::dominates(lower, corner, BigFloat(0x1p-200)));
        }
    }
}

TEST_CASE("a ball without a bound has a factor without a bound") {
    const MatrixBall ball = MatrixBall::around(Matrix::Ones(2, 2), 0, Upper::infinity());
    CHECK_FALSE(spectral_norm(gram_factor(ball)).upper().is_finite());
}

TEST_CASE("thin products keep their norm when both factors are replaced by Gram factors") {
    // |M^T N| = |L_M^T L_N| up to the excess, with the large dimension gone.
    test::Random random(63);
    const MatrixBall m = MatrixBall::of(random.gaussian(16, 300));
    const MatrixBall n = MatrixBall::of(random.gaussian(16, 300));
    const Enclosure direct = spectral_norm(product(m.transposed(), n));
    const Enclosure thin = spectral_norm(product(gram_factor(m).transposed(), gram_factor(n)));
    CHECK(thin.upper().value().compare(direct.lower().value()) >= 0);
    CHECK(thin.upper().to_double() <= direct.upper().to_double() * (1.0 + 1e-8));
}
