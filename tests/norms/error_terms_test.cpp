// Every term of every error bound, held against exact rational arithmetic: with norms as small as
// an underflow all terms are of one size, so that none can be dropped or shrunk unseen.
#include "norms/error_terms.hpp"

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <cmath>

#include "norms/blas.hpp"
#include "norms/certified_ends.hpp"
#include "norms/cholesky_certificate.hpp"
#include "norms/gram.hpp"
#include "norms/integer_gram.hpp"
#include "norms/level_search.hpp"
#include "norms/scaling.hpp"
#include "norms/triangular.hpp"
#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using lipcert::test::exact_gamma;
using lipcert::test::is_rounded_down;
using lipcert::test::is_rounded_up;
using lipcert::test::two_to;

namespace {

const mpq_class unit = two_to(-52);
const mpq_class eta = two_to(-1022);

/// A norm 2^exponent, as a bound and as a number.
struct Norm {
    explicit Norm(int exponent) : bound(Upper::power_of_two(exponent)), exact(two_to(exponent)) {}

    Upper bound;
    mpq_class exact;
};

/// unit times it is an underflow.
const Norm tiny(-970);
/// The product of two of them is tiny.
const Norm root_of_tiny(-485);

/// What underflow changes where stored numbers are scaled afterwards, and norms like it.
const mpq_class stored_underflow = two_to(-600);
const Norm faint(-548);
const Norm root_of_faint(-274);

/// c = fl(s), |c - s| <= gamma_k s + a: the two ends of what s can be.
mpq_class largest_sum(const mpq_class& computed, long roundings, const mpq_class& absolute) {
    return (computed + absolute) / (1 - exact_gamma(roundings));
}

mpq_class smallest_sum(const mpq_class& computed, long roundings, const mpq_class& absolute) {
    return (computed - absolute) / (1 + exact_gamma(roundings));
}

/// Off the diagonal zero, so that the sums of a factor's squares are exact.
Matrix scaled_identity(Eigen::Index size, double diagonal) {
    return diagonal * Matrix::Identity(size, size);
}

/// |L| (|L|^T 1).
Vector row_sums_of(const Matrix& lower) {
    return absolute_gram_product(lower, Vector::Ones(lower.rows()));
}

}  // namespace

TEST_CASE("an underflow in every entry is sqrt(entries) units in the Frobenius norm") {
    CHECK(entrywise_underflow(0).is_zero());
    CHECK(is_rounded_up(entrywise_underflow(1), eta));
    CHECK(is_rounded_up(entrywise_underflow(9), 3 * eta));
    const Matrix matrix = Matrix::Ones(4, 9);
    CHECK(is_rounded_up(TallPanels::of_smaller_side(matrix, 0).scaling_error(), 6 * eta));
}

TEST_CASE("the error of a product is gamma_{p+P} |A| |B| and 10 k underflows in every entry") {
    CHECK(is_rounded_up(product_error(3, 4, root_of_tiny.bound, root_of_tiny.bound),
                        exact_gamma(3 + 1) * tiny.exact + 10 * 3 * 2 * eta));
    CHECK(is_rounded_up(product_error(100000, 9, root_of_tiny.bound, root_of_tiny.bound),
                        exact_gamma(1024 + 98) * tiny.exact + 1000000 * 3 * eta));
}

TEST_CASE("the error of a sum is U |A + B|, an underflow in every entry, another in lost ones") {
    CHECK(is_rounded_up(sum_error(tiny.bound, 4, 0), unit * tiny.exact + 2 * eta));
    CHECK(is_rounded_up(sum_error(tiny.bound, 4, 9), unit * tiny.exact + (2 + 3) * eta));
}

TEST_CASE("a sum counts the entries that its alignment lost") {
    const MatrixBall large = MatrixBall::of(Matrix::Ones(1, 4));
    const MatrixBall small = MatrixBall::of(Matrix::Ones(1, 4)).scaled(-1100);
    const Upper norm = frobenius_upper(large.centre());
    const Upper expected = sum_error(norm, 4, 4).scaled(large.exponent());
    CHECK(expected > sum_error(norm, 4, 0).scaled(large.exponent()));
    CHECK(sum(large, small).radius() == expected);
}

TEST_CASE("the error of one product in every entry is U times the result and an underflow") {
    CHECK(is_rounded_up(entrywise_product_error(tiny.bound, 9), unit * tiny.exact + 3 * eta));
}

TEST_CASE("the error of centring has a term for the mean, the subtraction and underflow") {
    const Norm result(-972);
    CHECK(is_rounded_up(centring_error(7, 9, tiny.bound, result.bound),
                        exact_gamma(7) * tiny.exact + unit * result.exact + (4 * 7 + 4) * 3 * eta));
}

TEST_CASE("the error of a shifted diagonal is U times its largest entry and an underflow") {
    CHECK(is_rounded_up(diagonal_error(tiny.bound), unit * tiny.exact + eta));
}

TEST_CASE("the residual of a triangular system is gamma_{n+10} |X| |L| and its underflows") {
    CHECK(is_rounded_up(
        solution_error(5, 9, root_of_tiny.bound, root_of_tiny.bound, Upper::exact(4.0)),
        exact_gamma(5 + 10) * tiny.exact + (12 * 5 + 12) * (3 + 16) * 3 * eta));
}

TEST_CASE("the error of an image is gamma_{n+2} |W| |v| and an underflow in every entry") {
    CHECK(is_rounded_up(image_error(9, 5, root_of_faint.bound, root_of_faint.bound),
                        exact_gamma(5 + 2) * faint.exact + 3 * stored_underflow));
}

TEST_CASE("a computed sum of non-negative terms is corrected at both ends") {
    const double computed = 0x1p-1015;
    for (const long roundings : {0L, 1L, 100000L}) {
        CAPTURE(roundings);
        const Enclosure sum = true_sum(computed, static_cast<std::size_t>(roundings), 7);
        CHECK(is_rounded_up(sum.upper(), largest_sum(computed, roundings, 7 * eta)));
        CHECK(is_rounded_down(sum.lower(), smallest_sum(computed, roundings, 7 * eta)));
    }
}

TEST_CASE("a sum of squares counts every row, every column and every underflow") {
    // Equal powers of two: the computed sum is exact, so that the width is that of the formula.
    for (const auto& shape : {std::pair(1, 1), std::pair(3, 1), std::pair(2, 1000)}) {
        const int rows = shape.first;
        const int cols = shape.second;
        CAPTURE(rows);
        CAPTURE(cols);
        for (const double entry : {0.5, 0x1p-508}) {
            const mpq_class computed = mpq_class(entry) * entry * rows * cols;
            const Enclosure squares = sum_of_squares(Matrix::Constant(rows, cols, entry));
            const long roundings = rows + cols + 1;
            const mpq_class underflow = 8 * rows * cols * eta;
            CHECK(is_rounded_up(squares.upper(), largest_sum(computed, roundings, underflow)));
            CHECK(is_rounded_down(squares.lower(), smallest_sum(computed, roundings, underflow)));
        }
    }
}

TEST_CASE("a long sum of squares is added up as bounds after every 64 slices of 1024 entries") {
    const double entry = 0x1p-508;
    const mpq_class square = mpq_class(entry) * entry;
    // Three slices of at most 1024 entries, one of them short, charged as if it were not.
    const Enclosure row = sum_of_squares(Matrix::Constant(1, 2500, entry));
    const mpq_class row_underflow = 8 * 3 * 1024 * eta;
    CHECK(is_rounded_up(row.upper(), largest_sum(2500 * square, 1024 + 3 + 1, row_underflow)));
    CHECK(is_rounded_down(row.lower(), smallest_sum(2500 * square, 1024 + 3 + 1, row_underflow)));
    // 70 rows of two entries: 64 slices, then 6.
    const Enclosure rows = sum_of_squares(Matrix::Constant(70, 2, entry));
    const mpq_class upper = largest_sum(128 * square, 2 + 64 + 1, 8 * 128 * eta) +
                            largest_sum(12 * square, 2 + 6 + 1, 8 * 12 * eta);
    const mpq_class lower = smallest_sum(128 * square, 2 + 64 + 1, 8 * 128 * eta) +
                            smallest_sum(12 * square, 2 + 6 + 1, 8 * 12 * eta);
    CHECK(is_rounded_up(rows.upper(), upper));
    CHECK(is_rounded_down(rows.lower(), lower));
}

TEST_CASE("a sum of squares holds the exact rational sum, narrowly, however long it is") {
    test::Random random(72);
    for (const Eigen::Index length : {1, 1023, 1024, 1025, 2049, 300000, 1024 * 1024 + 7}) {
        CAPTURE(length);
        Matrix row(1, length);
        for (double& entry : row.reshaped()) {
            entry = std::trunc(random.uniform(-1.0, 1.0) * 0x1p40) * 0x1p-40;
        }
        mpz_class sum = 0;
        for (const double entry : row.reshaped()) {
            const mpz_class integer(entry * 0x1p40);
            sum += integer * integer;
        }
        const mpq_class exact = mpq_class(sum) * two_to(-80);
        for (const Matrix& shape : {row, Matrix(row.transpose())}) {
            const Enclosure squares = sum_of_squares(shape);
            CHECK(test::encloses(squares, exact));
            CHECK(squares.relative_width().to_double() <= 0x1.01p12 * 0x1p-52);
        }
    }
}

TEST_CASE("the squares of zeros add up to zero, without an underflow") {
    CHECK(sum_of_squares(Matrix::Zero(3, 4)).upper().is_zero());
    CHECK(sum_of_squares(Matrix(-Matrix::Zero(3, 4))).upper().is_zero());
    CHECK(sum_of_squares(Matrix(0, 4)).upper().is_zero());
    CHECK(frobenius_upper(Matrix::Zero(3, 4)).is_zero());
    // One entry whose square vanishes is not zero.
    Matrix vanishing = Matrix::Zero(3, 4);
    vanishing(2, 3) = 0x1p-600;
    CHECK(frobenius_upper(vanishing) >= Upper::power_of_two(-600));
}

TEST_CASE("the Gram error and its two norms are those of S1, term by term") {
    CHECK(is_rounded_up(gram_error(3, 5, faint.bound),
                        exact_gamma(3 + 1) * faint.exact + 5 * stored_underflow));
    CHECK(is_rounded_up(gram_error(100000, 2, faint.bound),
                        exact_gamma(4096 + 25) * faint.exact + 2 * stored_underflow));
    // Entries 2^-290: sums of 2^-580 are exact, and what underflow may change shows beside them.
    const long inner = 8192;
    const long size = 4;
    const Matrix turned = Matrix::Constant(size, inner, 0x1p-290);
    const Gram gram = form_gram(TallPanels::of_rows(turned, 0));
    const mpq_class row_sum = inner * size * two_to(-580);
    CHECK(is_rounded_up(gram.largest_absolute_row_sum,
                        largest_sum(row_sum, size + inner + 2, mpq_class(0)) + stored_underflow));
    // One panel of two: 16 slices of 1024 entries.
    const mpq_class half_sum =
        largest_sum(row_sum / 2, 1024 + 16 + 1, 8 * size * (inner / 2) * eta);
    CHECK(is_rounded_up(gram.sum_of_squares.upper(), 2 * half_sum + stored_underflow));
    CHECK(gram.error ==
          gram_error(inner, size, min(gram.sum_of_squares.upper(), gram.largest_absolute_row_sum)));
    // Where the two norms of |W|^T |W| differ, each error takes its own.
    const Gram diagonal = form_gram(TallPanels::of_rows(0.5 * Matrix::Identity(size, inner), 0));
    CHECK(gram_error(inner, size, Upper::exact(0.999)) < diagonal.frobenius_error);
    CHECK(diagonal.error < gram_error(inner, size, Upper::exact(0.2501)));
}

TEST_CASE("a Gram matrix and a lower end do not depend on the units of what is stored") {
    test::Random random(86);
    const Matrix matrix = random.gaussian(70, 90) / 8.0;
    const Vector vector = random.gaussian(70, 1).col(0).normalized();
    const TallPanels panels = TallPanels::of_smaller_side(matrix, 0);
    const Gram gram = form_gram(panels);
    const Upper frobenius = sqrt(gram.sum_of_squares.upper());
    for (const int exponent : {1, -1, 100, -100, 101, -101, 300, -300}) {
        CAPTURE(exponent);
        const Matrix other = std::ldexp(1.0, exponent) * matrix;
        const TallPanels of_other = TallPanels::of_smaller_side(other, exponent);
        const Gram found = form_gram(of_other);
        CHECK(Matrix(found.lower.triangularView<Eigen::Lower>()) ==
              Matrix(gram.lower.triangularView<Eigen::Lower>()));
        CHECK(found.error == gram.error);
        CHECK(found.sum_of_squares.lower() == gram.sum_of_squares.lower());
        CHECK(found.sum_of_squares.upper() == gram.sum_of_squares.upper());
        CHECK(lower_end(of_other, vector, frobenius) == lower_end(panels, vector, frobenius));
    }
}

TEST_CASE("the a priori error of a factorisation is that of S2, term by term") {
    for (const long size : {1L, 12L, 100000L}) {
        CAPTURE(size);
        const long roundings = size == 100000 ? 256 + 391 : size;
        const mpq_class g = exact_gamma(roundings + 10);
        const mpq_class underflow = size * (12 * size + 12) * mpq_class(1 + 2) * eta;
        CHECK(is_rounded_up(cholesky_error_from_trace(size, Upper::exact(3.0), Upper::exact(2.0)),
                            g * 3 / (1 - g) + 2 * underflow));
        CHECK(is_rounded_up(cholesky_error_from_trace(size, tiny.bound, Upper::exact(2.0)),
                            g * tiny.exact / (1 - g) + 2 * underflow));
    }
}

TEST_CASE("the trace covers what its computed sum lost") {
    // The small terms vanish one by one beside 1 but for the lanes in which they meet.
    Vector diagonal = Vector::Constant(100000, 0x1p-53);
    diagonal(0) = 1.0;
    const mpq_class exact = 1 + 99999 * two_to(-53);
    REQUIRE((mpq_class(diagonal.sum()) < exact));
    CHECK(trace_upper(diagonal) >= Upper::exact(1.0) + Upper::of_count(99999).scaled(-53));
    CHECK(is_rounded_up(trace_upper(diagonal), largest_sum(diagonal.sum(), 100000, 400000 * eta)));
    CHECK(is_rounded_up(trace_upper(Vector::Constant(4, 0x1p-1015)),
                        largest_sum(two_to(-1013), 4, 16 * eta)));
}

TEST_CASE("the a posteriori error of a factorisation is that of S2, term by term") {
    const long size = 3;
    const mpq_class g = exact_gamma(size + 10);
    const mpq_class entries = size * (12 * size + 12) * mpq_class(1 + 2) * eta;
    const mpq_class image = 64 * size * size * mpq_class(1 + 2) * eta * 1024;
    // |L| |L|^T = 2^-900 I and 2^-1016 I: Collatz' bound is exact, and corrected for 2n+2
    // roundings.
    for (const int half_exponent : {0, -450, -508}) {
        CAPTURE(half_exponent);
        const Matrix lower = scaled_identity(size, std::ldexp(1.0, half_exponent));
        const mpq_class collatz =
            largest_sum(two_to(2 * half_exponent), 2 * size + 2, mpq_class(0));
        CHECK(
            is_rounded_up(cholesky_error_from_factor(lower, row_sums_of(lower), Upper::exact(2.0)),
                          g * (collatz + image) + entries));
    }
    // Where nothing is left of the factor, the underflow terms are.
    const Matrix nothing = Matrix::Zero(size, size);
    CHECK(
        is_rounded_up(cholesky_error_from_factor(nothing, row_sums_of(nothing), Upper::exact(2.0)),
                      g * image + entries));
}

TEST_CASE("the lower end rounds the image down and the vector's length up") {
    // |W| = 0 takes the image's error away. W v and |v| are exact: 2 x 256 halves, v = 1/16.
    const Matrix turned = Matrix::Constant(256, 2, 0.5);
    const Vector vector = Vector::Constant(256, 0x1p-4);
    const Lower bound = lower_end(TallPanels::of_rows(turned, 0), vector, Upper());
    const mpq_class image_squared = smallest_sum(128, 2 + 1 + 2, mpq_class(0)) - stored_underflow;
    const mpq_class length_squared = largest_sum(1, 256 + 1, 8 * 256 * eta);
    CHECK(is_rounded_down(bound * bound, image_squared / length_squared));
}

TEST_CASE("a vector whose computed length is too short does not raise the lower end") {
    // W = I and v = (1, 2^-27, 2^-27, ...): squaredNorm loses most of the small squares.
    const Eigen::Index size = 4096;
    Vector vector = Vector::Constant(size, 0x1p-27);
    vector(0) = 1.0;
    const mpq_class exact = 1 + 4095 * two_to(-54);
    REQUIRE((mpq_class(vector.squaredNorm()) < exact));
    // A row whose product with v is exact: |W v|^2 = 1/4, so |W v|/|v| = 1/2 |v|^-1.
    const Matrix row = Matrix(0.5 * Vector::Unit(size, 0));
    const Lower bound = lower_end(TallPanels::of_rows(row, 0), vector, Upper());
    const Lower length = sqrt(Lower::exact(1.0) + Lower::of_count(4095).scaled(-54));
    CHECK(bound * length <= Lower::exact(0.5));
}

TEST_CASE("entries that vanish in the scaling widen the norm at both ends") {
    test::Random random(71);
    const Matrix matrix = random.gaussian(5, 3);
    const int exponent = *largest_exponent(matrix);
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    const Gram gram = form_gram(panels);
    const TopEigenvalue top = search_level(gram.lower, estimate_top_eigenpair(gram.lower));
    const Upper frobenius = sqrt(gram.sum_of_squares.upper());
    const SpectralNorm norm = spectral_norm(matrix);
    // An underflow beside a number near 1 shows in the last of its 128 bits: ends move outward.
    CHECK(norm.spectral.upper() > upper_end(top.upper, gram).scaled(exponent));
    CHECK(norm.spectral.lower() <
          lower_end(panels, top.estimate.vector, frobenius).scaled(exponent));
    CHECK(norm.frobenius.upper() > frobenius.scaled(exponent));
    CHECK(norm.frobenius.lower() < sqrt(gram.sum_of_squares.lower()).scaled(exponent));
    // A row that loses one entry.
    Matrix row(1, 2);
    row << 0x1p1000, 0x1.8p-90;
    const Enclosure squares = sum_of_squares((Matrix(1, 2) << 0.5, 0.0).finished());
    const Enclosure of_row = spectral_norm(row).spectral;
    CHECK(of_row.upper() > sqrt(squares.upper()).scaled(1001));
    CHECK(of_row.lower() < sqrt(squares.lower()).scaled(1001));
}

TEST_CASE("what fixed point leaves out is its measure, and an underflow [S12]") {
    const FixedPointErrors none = fixed_point_errors({0.0, 0.0}, 5);
    CHECK(is_rounded_up(none.products, stored_underflow));
    CHECK(is_rounded_up(none.rest, two_to(-300)));
    const FixedPointErrors both = fixed_point_errors({0x1p-590, 0.0}, 5);
    CHECK(is_rounded_up(both.products, largest_sum(two_to(-590), 5, 0) + stored_underflow));
    // (3 * 2^-301)^2 = 2^-600 + 5 * 2^-602.
    const FixedPointErrors rest = fixed_point_errors({0.0, 5.0 * 0x1p-602}, 0);
    CHECK(is_rounded_up(rest.rest, 3 * two_to(-301)));
}

TEST_CASE("a Gram matrix of integers is off by what it leaves out, and a few roundings [S12]") {
    const Norm half(-1);
    const FixedPointErrors errors{Upper::power_of_two(-1000), Upper::power_of_two(-480)};
    CHECK(is_rounded_up(integer_gram_error(errors, Upper::power_of_two(-480), 3),
                        two_to(-1000) + exact_gamma(14) * two_to(-958)));
    const FixedPointErrors large{Upper(), half.bound};
    CHECK(is_rounded_up(integer_gram_error(large, half.bound, 1), exact_gamma(10)));
    CHECK(large.of_square(3.0) == 3.0);
}
