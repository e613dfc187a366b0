#include "lipcert/norms/matrix_ball.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

/// 64 bits of mantissa and exponents to 2^16383: its own rounding is 2^-11 of what balls allow for.
using Exact = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

/// A ball together with one of its members.
struct Sample {
    MatrixBall ball;
    Exact member;
};

long double power(long exponent) {
    return std::ldexp(1.0L, static_cast<int>(exponent));
}

Exact centre_of(const MatrixBall& ball) {
    return ball.centre().cast<long double>() * power(ball.exponent());
}

/// On the edge of the ball: centre + radius * (random unit matrix).
Sample sample(test::Random& random, Eigen::Index rows, Eigen::Index cols) {
    const Matrix centre = random.gaussian(rows, cols);
    const long exponent = static_cast<long>(random.integer(0, 400)) - 200;
    const bool is_point = random.integer(0, 2) == 0;
    const double radius = is_point ? 0.0 : std::ldexp(random.uniform(0.5, 1.0), -20);
    Sample result;
    result.ball = MatrixBall::around(centre, exponent, Upper::exact(radius).scaled(exponent));
    const Exact direction = random.gaussian(rows, cols).cast<long double>();
    result.member = centre_of(result.ball) + (0.999999L * static_cast<long double>(radius) *
                                              power(exponent) / direction.norm()) *
                                                 direction;
    return result;
}

void check_contains(const MatrixBall& ball, const Exact& member) {
    REQUIRE(ball.rows() == member.rows());
    REQUIRE(ball.cols() == member.cols());
    const Exact difference = (member - centre_of(ball)) * power(-ball.exponent());
    // Compared in long double: as a double, a difference of 2^-5000 would be zero.
    CHECK(difference.norm() <=
          static_cast<long double>(ball.radius().scaled(-ball.exponent()).to_double()));
    CHECK(ball.centre().cwiseAbs().maxCoeff() <= 1.0);
}

/// The radius is at most `slack` U times `scale`, plus what the operands brought in.
void check_tight(const MatrixBall& ball, double slack, const Upper& scale, const Upper& inherited) {
    CHECK(ball.radius() <=
          Upper::exact(slack) * unit_roundoff() * scale + Upper::exact(1.01) * inherited);
}

std::size_t trials() {
    return test::repetitions(40);
}

Eigen::Index size(test::Random& random, std::size_t largest) {
    return static_cast<Eigen::Index>(random.integer(1, largest));
}

}  // namespace

TEST_CASE("a stored matrix is its own ball of radius zero, at any scale") {
    test::Random random(41);
    for (const int exponent : {-1074, -1030, -500, 0, 500, 1000}) {
        const Matrix stored = random.gaussian(4, 3) * std::ldexp(1.0, exponent);
        const MatrixBall ball = MatrixBall::of(stored);
        CHECK(ball.radius().is_zero());
        check_contains(ball, stored.cast<long double>());
    }
    CHECK(MatrixBall::zero(2, 3).centre() == Matrix::Zero(2, 3));
    CHECK(MatrixBall::of_vector(Vector::Ones(4)).cols() == 1);
}

TEST_CASE("an entry that underflows beside a huge one is inside the radius") {
    Matrix stored(1, 3);
    stored << 0x1p1000, 0x1.8p-1074, 0x1.fffffffffffffp-60;
    const MatrixBall ball = MatrixBall::of(stored);
    CHECK_FALSE(ball.radius().is_zero());
    check_contains(ball, stored.cast<long double>());
    CHECK(ball.radius() <= Upper::power_of_two(1000 - 1020));
}

TEST_CASE("an entry that is rounded up to the smallest normal number counts as rounded") {
    // (2 - 2^-52) 2^-1023 lies half way between two doubles and becomes 2^-1022.
    Matrix stored(1, 2);
    stored << 1.0, (2.0 - 0x1p-52) * 0x1p-1022;
    CHECK_FALSE(MatrixBall::of(stored).radius().is_zero());
    const MatrixBall one = MatrixBall::of(Matrix::Ones(1, 1));
    const MatrixBall tiny = MatrixBall::of(Matrix::Constant(1, 1, 2.0 - 0x1p-52)).scaled(-1022);
    CHECK_FALSE(stack_rows({one, tiny}).radius().is_zero());
}

TEST_CASE("a centre that is not finite is refused") {
    CHECK_THROWS_AS(static_cast<void>(MatrixBall::of(
                        Matrix::Constant(2, 2, std::numeric_limits<double>::infinity()))),
                    Error);
}

TEST_CASE("views keep the member that they show") {
    test::Random random(42);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, 5, 7);
        check_contains(a.ball.transposed(), a.member.transpose());
        check_contains(a.ball.row_block(1, 3), a.member.middleRows(1, 3));
        check_contains(a.ball.column_block(2, 4), a.member.middleCols(2, 4));
        check_contains(a.ball.scaled(-37), a.member * power(-37));
        check_contains(a.ball.scaled(37), a.member * power(37));
        CHECK(a.ball.scaled(-37).radius() == a.ball.radius().scaled(-37));
    }
    CHECK_THROWS_AS(static_cast<void>(MatrixBall::zero(2, 2).row_block(1, 2)), Error);
}

TEST_CASE("copies share one centre, and taking it from one leaves the others as they are") {
    test::Random random(23);
    const Matrix stored = random.gaussian(5, 3);
    const MatrixBall ball = MatrixBall::of(stored);
    const Matrix before = ball.centre();
    MatrixBall copy = ball;
    CHECK(copy.centre().data() == ball.centre().data());
    const MatrixBall scaled = ball.scaled(7);
    CHECK(scaled.centre().data() == ball.centre().data());

    const Matrix taken = std::move(copy).centre();
    CHECK(taken == before);
    CHECK(ball.centre() == before);
    CHECK(taken.data() != ball.centre().data());

    MatrixBall alone = MatrixBall::of(stored);
    const double* const place = alone.centre().data();
    const Matrix moved = std::move(alone).centre();
    CHECK(moved.data() == place);
}

TEST_CASE("a product contains the product of members, with a radius of its rounding error") {
    test::Random random(43);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Eigen::Index inner = size(random, 40);
        const Sample a = sample(random, size(random, 9), inner);
        const Sample b = sample(random, inner, size(random, 9));
        const MatrixBall c = product(a.ball, b.ball);
        check_contains(c, a.member * b.member);
        const Upper norm_a = frobenius_norm(a.ball);
        const Upper norm_b = frobenius_norm(b.ball);
        check_tight(c,
                    static_cast<double>(inner) + 2.0,
                    norm_a * norm_b,
                    a.ball.radius() * norm_b + norm_a * b.ball.radius());
    }
}

TEST_CASE("a Gram matrix contains those of members, with a radius of its rounding error") {
    test::Random random(51);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, size(random, 9), size(random, 40));
        const Upper norm = frobenius_norm(a.ball);
        const Upper members = Upper::of_count(2) * a.ball.radius() * norm;
        const MatrixBall rows = gram_of_rows(a.ball);
        check_contains(rows, a.member * a.member.transpose());
        check_tight(rows, static_cast<double>(a.ball.cols()) + 2.0, square(norm), members);
        const MatrixBall columns = gram_of_columns(a.ball);
        check_contains(columns, a.member.transpose() * a.member);
        check_tight(columns, static_cast<double>(a.ball.rows()) + 2.0, square(norm), members);
    }
    // (1 + r)^2 - 1 = 2 r + r^2: nothing may be missing.
    const MatrixBall one = MatrixBall::around(Matrix::Ones(1, 1), 0, Upper::exact(0.25));
    CHECK(gram_of_rows(one).radius() >= Upper::exact(0.5625));
    CHECK(gram_of_rows(one).radius() <= Upper::exact(0.5625001));
    const MatrixBall tenth = MatrixBall::of(Matrix::Constant(1, 1, 0.1));
    CHECK_FALSE(gram_of_columns(tenth).radius().is_zero());
    CHECK(gram_of_rows(MatrixBall::zero(2, 3)).radius().is_zero());
}

TEST_CASE("zero times something enormous is zero, and only radii remain of a ball around zero") {
    const MatrixBall huge = MatrixBall::of(Matrix::Constant(2, 2, 1e300)).scaled(5000);
    const MatrixBall huge_vector = MatrixBall::of_vector(Vector::Constant(2, 1e300)).scaled(5000);
    const MatrixBall zero = MatrixBall::zero(2, 2);
    const MatrixBall zero_vector = MatrixBall::zero(2, 1);
    CHECK(frobenius_norm(zero).is_zero());
    for (const MatrixBall& result : {product(zero, huge),
                                     product(huge, zero),
                                     product(zero, zero),
                                     scaled_by(zero, 1e300),
                                     scale_columns(zero, huge_vector),
                                     scale_columns(huge, zero_vector)}) {
        CHECK(result.centre().isZero(0.0));
        CHECK(result.radius().is_zero());
        CHECK(spectral_norm(result).upper().is_zero());
    }
    const Upper radius = Upper::power_of_two(-30);
    const MatrixBall around_zero = MatrixBall::around(Matrix::Zero(2, 2), 0, radius);
    const Upper size = frobenius_norm(huge);
    for (const MatrixBall& result : {product(around_zero, huge), product(huge, around_zero)}) {
        CHECK(result.radius() >= radius * Upper::exact(2e300).scaled(5000));
        CHECK(result.radius() <= radius * size * Upper::exact(1.0 + 0x1p-40));
    }
    const MatrixBall scaled = scaled_by(around_zero, 1e300);
    CHECK(scaled.radius() >= radius * Upper::exact(1e300));
    CHECK(scaled.radius() <= radius * Upper::exact(1e300 * (1.0 + 0x1p-40)));
    const MatrixBall columns = scale_columns(around_zero, huge_vector);
    CHECK(columns.radius() >= radius * Upper::exact(1e300).scaled(5000));
    CHECK(columns.radius() <= radius * Upper::exact(1e300 * (1.0 + 0x1p-40)).scaled(5000));
}

TEST_CASE("the radius of a product of numbers holds at its edge") {
    // (1 + r)(1 + s) - 1 = r + s + r s: nothing may be missing.
    const MatrixBall a = MatrixBall::around(Matrix::Ones(1, 1), 0, Upper::exact(0.25));
    const MatrixBall b = MatrixBall::around(Matrix::Ones(1, 1), 0, Upper::exact(0.5));
    CHECK(product(a, b).radius() >= Upper::exact(0.875));
    CHECK(product(a, b).radius() <= Upper::exact(0.8750001));
}

TEST_CASE("the rounding of 0.1 * 0.1 is inside the radius") {
    const MatrixBall a = MatrixBall::of(Matrix::Constant(1, 1, 0.1));
    Exact square(1, 1);
    square(0, 0) = 0.1L;
    square(0, 0) = static_cast<long double>(0.1) * static_cast<long double>(0.1);
    check_contains(product(a, a), square);
    check_contains(scaled_by(a, 0.1), square);
    check_contains(scale_columns(a, a), square);
    CHECK_FALSE(product(a, a).radius().is_zero());
}

TEST_CASE("products of extreme scales neither overflow nor vanish") {
    const MatrixBall huge = MatrixBall::of(Matrix::Constant(2, 2, 0x1p1023));
    const MatrixBall cube = product(product(huge, huge), huge);
    const Enclosure norm = spectral_norm(cube);
    CHECK(test::encloses(norm, test::scaled(test::known_double(1.0), 3L * 1024)));
    const MatrixBall tiny = MatrixBall::of(Matrix::Constant(2, 2, 0x1p-1074));
    const MatrixBall mixed = product(cube, product(tiny, product(tiny, tiny)));
    CHECK(test::encloses(spectral_norm(mixed), test::scaled(test::known_double(1.0), -147)));
}

TEST_CASE("a sum contains the sum of members, whatever their scales") {
    test::Random random(44);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, 4, 6);
        const Sample b = sample(random, 4, 6);
        const MatrixBall c = sum(a.ball, b.ball);
        check_contains(c, a.member + b.member);
        check_tight(c,
                    1.01,
                    frobenius_norm(a.ball) + frobenius_norm(b.ball),
                    a.ball.radius() + b.ball.radius());
    }
}

TEST_CASE("a difference from a product contains that of members, whatever their scales") {
    test::Random random(0x5d);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Eigen::Index rows = size(random, 20);
        const Eigen::Index inner = size(random, 20);
        const Eigen::Index cols = size(random, 20);
        Sample a = sample(random, rows, cols);
        const Sample b = sample(random, rows, inner);
        const Sample c = sample(random, inner, cols);
        const long near = b.ball.exponent() + c.ball.exponent() - a.ball.exponent();
        // At like scales, too, where neither vanishes beside the other; at last beyond doubles.
        const long shift = trial % 3 == 0 ? near : trial % 3 == 1 ? 0 : near - 1200;
        a.ball = a.ball.scaled(shift);
        a.member *= power(shift);
        const MatrixBall result = difference(a.ball, b.ball, c.ball);
        check_contains(result, a.member - b.member * c.member);
        const MatrixBall in_two_steps = sum(a.ball, scaled_by(product(b.ball, c.ball), -1.0));
        CHECK(result.radius() <= Upper::exact(1.01) * in_two_steps.radius());
    }
    const MatrixBall one = MatrixBall::of(Matrix::Ones(2, 2));
    CHECK(difference(MatrixBall::zero(2, 2), one, one).centre() ==
          Matrix::Constant(2, 2, -0.5));  // -2 at the scale 2^2
    CHECK_THROWS_AS(static_cast<void>(difference(one, MatrixBall::zero(2, 3), one)), Error);
}

TEST_CASE("in a sum the smaller operand may vanish, and the radius says so") {
    const MatrixBall large = MatrixBall::of(Matrix::Constant(1, 1, 0x1p1000));
    for (const long exponent : {-60L, -1074L, -3000L, -300000L}) {
        const MatrixBall small = MatrixBall::of(Matrix::Ones(1, 1)).scaled(1000 + exponent);
        const MatrixBall both = sum(small, large);
        CHECK(both.radius() >= Upper::power_of_two(1000 + exponent));
        CHECK(both.radius() <= Upper::power_of_two(1000 - 51));
    }
    const MatrixBall zero = MatrixBall::zero(1, 1);
    CHECK(sum(zero, large).radius().is_zero());
    CHECK(sum(large.scaled(-5000), zero).exponent() == large.exponent() - 5000);
}

TEST_CASE("scaling by a number contains the scaled member; powers of two and zero are exact") {
    test::Random random(45);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, 3, 5);
        const double factor =
            random.normal() * std::ldexp(1.0, static_cast<int>(trial % 40) * 7 - 100);
        const MatrixBall c = scaled_by(a.ball, factor);
        check_contains(c, a.member * static_cast<long double>(factor));
        const Upper magnitude = Upper::exact(std::abs(factor));
        check_tight(c, 1.01, frobenius_norm(a.ball) * magnitude, a.ball.radius() * magnitude);
    }
    const MatrixBall point = MatrixBall::of(random.gaussian(3, 3));
    CHECK(scaled_by(point, -0x1p-300).radius().is_zero());
    CHECK(scaled_by(point, -2.0).centre() == -point.centre());
    CHECK(scaled_by(point, 0.0).centre() == Matrix::Zero(3, 3));
    CHECK(scaled_by(point, 0.0).radius().is_zero());
}

TEST_CASE("halving an odd subnormal entry loses nothing") {
    Matrix stored(1, 2);
    stored << 1.0, 0x1.8p-1073;  // subnormal beside one
    const MatrixBall half = scaled_by(MatrixBall::of(stored), 0.5);
    check_contains(half, stored.cast<long double>() * 0.5L);
}

TEST_CASE("scaling columns and rows contains the scaled member") {
    test::Random random(46);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, 5, 6);
        const Sample d = sample(random, 6, 1);
        const MatrixBall c = scale_columns(a.ball, d.ball);
        check_contains(c, a.member * d.member.col(0).asDiagonal());
        const Upper norm_a = frobenius_norm(a.ball);
        const Upper largest = largest_entry(d.ball);
        check_tight(
            c, 1.01, norm_a * largest, a.ball.radius() * largest + norm_a * d.ball.radius());
        const Vector rows = random.gaussian_vector(5);
        const Exact scaled_rows = rows.cast<long double>().asDiagonal() * a.member;
        check_contains(scale_rows(a.ball, rows), scaled_rows);
    }
}

TEST_CASE("the radius of a column scaling holds at its edge") {
    const MatrixBall a = MatrixBall::around(Matrix::Ones(1, 1), 0, Upper::exact(0.25));
    CHECK(scale_columns(a, a).radius() >= Upper::exact(0.5625));
}

TEST_CASE("centring contains the centred member and its rows sum to zero") {
    test::Random random(47);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Eigen::Index cols = size(random, 50);
        Sample a = sample(random, 4, cols);
        const Exact means = a.member.rowwise().mean();
        const Exact centred = a.member - means * Exact::Ones(1, cols);
        const MatrixBall c = centre_rows(a.ball);
        check_contains(c, centred);
        check_tight(c, static_cast<double>(cols) + 3.0, frobenius_norm(a.ball), a.ball.radius());
        check_contains(centre_columns(a.ball.transposed()), centred.transpose());
    }
}

TEST_CASE("centring a constant row leaves less than the radius") {
    const MatrixBall c = centre_rows(MatrixBall::of(Matrix::Constant(1, 7, 0.1)));
    check_contains(c, Exact::Zero(1, 7));
    // With a large common part the rounding of the mean is all that is left.
    Matrix stored = Matrix::Constant(2, 11, 0.1);
    stored(0, 3) += 0x1p-50;
    const Exact exact = stored.cast<long double>();
    const Exact means = exact.rowwise().mean();
    check_contains(centre_rows(MatrixBall::of(stored)), exact - means * Exact::Ones(1, 11));
}

TEST_CASE("stacking contains the stacked members, whatever their scales") {
    test::Random random(48);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, 3, 4);
        const Sample b = sample(random, 2, 4);
        Exact rows(5, 4);
        rows << a.member, b.member;
        const MatrixBall stacked = stack_rows({a.ball, b.ball});
        check_contains(stacked, rows);
        check_tight(
            stacked, 1e-200, frobenius_norm(stacked), hypot(a.ball.radius(), b.ball.radius()));
        check_contains(stack_columns({a.ball.transposed(), b.ball.transposed()}), rows.transpose());
    }
}

TEST_CASE("a block that vanishes beside a larger one stays inside the radius of the stack") {
    const MatrixBall large = MatrixBall::of(Matrix::Ones(1, 2));
    for (const long exponent : {-30L, -1060L, -5000L}) {
        const MatrixBall small = MatrixBall::of(Matrix::Constant(2, 2, 0.7)).scaled(exponent);
        const MatrixBall stacked = stack_rows({small, MatrixBall::zero(1, 2), large});
        Exact member(4, 2);
        member << Exact::Constant(2, 2, static_cast<long double>(0.7) * power(exponent)),
            Exact::Zero(1, 2), Exact::Ones(1, 2);
        check_contains(stacked, member);
    }
    // A zero block has no scale of its own.
    const MatrixBall tiny = MatrixBall::of(Matrix::Ones(1, 1)).scaled(-9000);
    CHECK(stack_rows({MatrixBall::zero(1, 1), tiny}).radius().is_zero());
    CHECK(stack_rows({MatrixBall::zero(1, 1), MatrixBall::zero(1, 1)}).radius().is_zero());
}

TEST_CASE("norms of a ball bound every member, and the centre's norm within the radius") {
    test::Random random(49);
    for (std::size_t trial = 0; trial < trials(); ++trial) {
        const Sample a = sample(random, 4, 6);
        const Exact unit = a.member * power(-a.ball.exponent());
        const auto scaled_down = [&](const Upper& bound) {
            return static_cast<long double>(bound.scaled(-a.ball.exponent()).to_double());
        };
        CHECK(scaled_down(frobenius_norm(a.ball)) >= unit.norm() * (1.0L - 1e-18L));
        CHECK(scaled_down(largest_entry(a.ball)) >= unit.cwiseAbs().maxCoeff());
        const std::vector<Upper> rows = row_norms(a.ball);
        for (Eigen::Index i = 0; i < 4; ++i) {
            const Upper& bound = rows[static_cast<std::size_t>(i)];
            CHECK(scaled_down(bound) >= unit.row(i).norm() * (1.0L - 1e-18L));
            CHECK(bound <= largest_row_norm(a.ball));
        }
        // Every member's norm lies in the enclosure: a double near the member decides it.
        const Matrix member = unit.cast<double>();
        const Enclosure norm = spectral_norm(a.ball).scaled(-a.ball.exponent());
        const Enclosure of_member = spectral_norm(member).spectral;
        CHECK(norm.upper().to_double() >= of_member.lower().to_double() * (1.0 - 1e-14));
        CHECK(norm.lower().to_double() <= of_member.upper().to_double() * (1.0 + 1e-14));
        CHECK(norm.upper().to_double() <=
              of_member.upper().to_double() +
                  2.1 * a.ball.radius().scaled(-a.ball.exponent()).to_double());
    }
}

TEST_CASE("the spectral norm of a ball is widened by its radius, outward, at both ends") {
    const MatrixBall ball = MatrixBall::around(Matrix::Identity(3, 3), 0, Upper::exact(0.25));
    CHECK(spectral_norm(ball).upper() >= Upper::exact(1.25));
    CHECK(spectral_norm(ball).lower() <= Lower::exact(0.75));
    CHECK(spectral_norm(ball).lower() >= Lower::exact(0.7499999));
    const MatrixBall wide = MatrixBall::around(Matrix::Identity(3, 3), 0, Upper::exact(2.0));
    CHECK(spectral_norm(wide).lower().is_zero());
    const MatrixBall boundless = MatrixBall::around(Matrix::Identity(3, 3), 0, Upper::infinity());
    CHECK_FALSE(spectral_norm(boundless).upper().is_finite());
}

TEST_CASE("a row far smaller than the others keeps a tight norm") {
    Matrix stored = Matrix::Ones(2, 4);
    stored.row(1) *= 0x1p-700;
    const std::vector<Upper> norms = row_norms(MatrixBall::of(stored));
    CHECK(norms[1] >= Upper::power_of_two(-699));
    CHECK(norms[1] <= Upper::exact(1.000001).scaled(-699));
}

TEST_CASE("operands whose shapes do not fit are refused") {
    const MatrixBall a = MatrixBall::zero(2, 3);
    CHECK_THROWS_AS(static_cast<void>(product(a, a)), Error);
    CHECK_THROWS_AS(static_cast<void>(sum(a, a.transposed())), Error);
    CHECK_THROWS_AS(static_cast<void>(scale_columns(a, MatrixBall::zero(2, 1))), Error);
    CHECK_THROWS_AS(static_cast<void>(stack_rows({a, a.transposed()})), Error);
    CHECK_THROWS_AS(static_cast<void>(stack_columns({})), Error);
    CHECK_THROWS_AS(static_cast<void>(scaled_by(a, std::nan(""))), Error);
}

TEST_CASE("long products are summed in panels and stay inside the radius") {
    test::Random random(50);
    const Matrix a = random.gaussian(3, 2500);
    const Matrix b = random.gaussian(2500, 2);
    const MatrixBall c = product(MatrixBall::of(a), MatrixBall::of(b));
    check_contains(c, a.cast<long double>() * b.cast<long double>());
    CHECK(c.radius() <= Upper::exact(1024.0 + 4.0) * unit_roundoff() *
                            frobenius_norm(MatrixBall::of(a)) * frobenius_norm(MatrixBall::of(b)));
}
