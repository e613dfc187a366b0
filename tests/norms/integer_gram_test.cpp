// Gram matrices by exact products of integers, against integers of 128 bits, numbers of 64 bits of
// precision, and exact decisions about levels. Without a unit for them there is nothing to test.
#include "norms/integer_gram.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "norms/integer_kernel.hpp"
#include "norms/panel_sums.hpp"
#include "norms/paths.hpp"
#include "norms/scaling.hpp"
#include "norms/tile_array.hpp"
#include "support/decompositions.hpp"
#include "support/exact.hpp"
#include "support/random.hpp"
#include "support/thread_count.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using integer_kernel::Digits;
using integer_kernel::kDepth;
using integer_kernel::kRows;

namespace {

constexpr double kAnything = std::numeric_limits<double>::infinity();

using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
__extension__ using Wide = __int128;

/// d1 256^3 + d2 256^2 + d3 256 + d4.
double of_digits(const std::array<int, 4>& digits) {
    double result = 0.0;
    for (const int digit : digits) {
        result = result * 256.0 + digit;
    }
    return result;
}

/// The digit of an integer that everything before it is a multiple of 256 of.
long last_digit(long integer) {
    return (integer + 128) - ((integer + 128) & ~255L) - 128;
}

/// Of integers in columns, the Gram matrix of each strip's columns as the kernel makes it, in units
/// of 1, against sums in 128 bits without the products of last digits: whether each is off by no
/// more than two roundings.
bool is_exact(const Matrix& integers, Digits digits = Digits::four) {
    const Index steps = integers.rows() / kDepth;
    const Index block = integer_kernel::packed_block(digits);
    TileArray<integer_kernel::Digit> left(steps * block);
    TileArray<integer_kernel::Digit> right(steps * block);
    const std::array<double, kRows> ones = [] {
        std::array<double, kRows> result;
        result.fill(1.0);
        return result;
    }();
    integer_kernel::Squares squares;
    for (Index step = 0; step < steps; ++step) {
        integer_kernel::pack({&integers(step * kDepth, 0), kRows, false},
                             ones.data(),
                             digits,
                             {left.get() + step * block, right.get() + step * block},
                             squares);
    }
    TileArray<std::int32_t> sums(integer_kernel::sums_of_pair(digits));
    integer_kernel::multiply({{left.get(), 0, 1}, {right.get(), 0, 1}, steps}, digits, sums.get());
    std::array<double, kRows * kRows> numbers;
    integer_kernel::combine(sums.get(), digits, ones.data(), ones.data(), numbers.data());
    const auto left_out = [&](long integer) {
        return digits == Digits::two ? 0L : last_digit(integer);
    };
    bool result = true;
    for (Index i = 0; i < kRows; ++i) {
        long last = 0;
        for (Index k = 0; k < integers.rows(); ++k) {
            const long digit = left_out(static_cast<long>(integers(k, i)));
            last += digit * digit;
        }
        result = result && squares.last[i] == last && squares.rest[i] == 0.0;
        for (Index j = 0; j < kRows; ++j) {
            Wide sum = 0;
            for (Index k = 0; k < integers.rows(); ++k) {
                const auto a = static_cast<long>(integers(k, i));
                const auto b = static_cast<long>(integers(k, j));
                sum += static_cast<Wide>(a) * b - static_cast<Wide>(left_out(a)) * left_out(b);
            }
            const auto number =
                static_cast<double>(numbers[static_cast<std::size_t>(i * kRows + j)]);
            const auto off = static_cast<long double>(number) - static_cast<long double>(sum);
            // The level before the last may be larger than the sum.
            const long double most =
                0x1p-52L * (std::abs(static_cast<long double>(sum)) +
                            0x1p24L * static_cast<long double>(integers.rows()));
            result = result && (digits == Digits::two ? off == 0.0L : std::abs(off) <= most);
        }
    }
    return result;
}

Matrix integers(Index rows, const std::function<double()>& next) {
    Matrix result(rows, kRows);
    std::generate(result.data(), result.data() + result.size(), next);
    return result;
}

/// |G - W'^T W'|_F, |W'|_F^2 and |W'|_2 of a matrix of this exponent, to some 60 bits.
struct Truth {
    double distance;
    double squares;
    double norm;
};

Truth truth_of(const Matrix& matrix, int exponent, const Matrix& lower) {
    const LongMatrix stored = matrix.cast<long double>() * std::ldexp(1.0L, -exponent);
    const LongMatrix w = matrix.rows() < matrix.cols() ? LongMatrix(stored.transpose()) : stored;
    const LongMatrix exact = w.transpose() * w;
    LongMatrix off = LongMatrix::Zero(exact.rows(), exact.cols());
    for (Index i = 0; i < exact.rows(); ++i) {
        for (Index j = 0; j <= i; ++j) {
            off(i, j) = off(j, i) = exact(i, j) - static_cast<long double>(lower(i, j));
        }
    }
    return {static_cast<double>(off.norm()),
            static_cast<double>(w.squaredNorm()),
            std::sqrt(test::eigenvalues(exact.cast<double>())(exact.rows() - 1))};
}

struct Case {
    const char* name;
    Matrix matrix;
};

/// Entries of one size in each column, from 2^-140 up to 1.
Matrix graded_columns(Index rows, Index cols, test::Random& random) {
    Matrix result = random.gaussian(rows, cols);
    for (Index j = 0; j < cols; ++j) {
        result.col(j) *= std::ldexp(1.0, static_cast<int>(-140 * j / std::max<Index>(cols - 1, 1)));
    }
    return result;
}

/// Entries from 2^-140 up to 1 everywhere.
Matrix scattered(Index rows, Index cols, test::Random& random) {
    Matrix result = random.gaussian(rows, cols);
    for (double& entry : result.reshaped<Eigen::RowMajor>()) {
        entry *= std::exp2(random.uniform(-140.0, 0.0));
    }
    return result;
}

std::vector<Case> cases(test::Random& random) {
    const auto in_float32 = [](const Matrix& matrix) -> Matrix {
        return matrix.cast<float>().cast<double>();
    };
    Matrix with_zeros = random.gaussian(50, 20);
    with_zeros.col(0).setZero();
    with_zeros.col(13).setZero();
    Matrix giant = random.gaussian(40, 24) * 0x1p-20;
    giant(17, 5) = -1.0;
    Matrix at_the_end = Matrix::Constant(70, 17, -1.0 + 0x1p-50);  // of the largest integers
    at_the_end.col(3).setConstant(0.996);
    return {{"float32", in_float32(random.gaussian(130, 70))},
            {"float64", random.gaussian(65, 33)},
            {"wide", random.gaussian(31, 97)},
            {"one column", random.gaussian(77, 1)},
            {"one row", random.gaussian(1, 20)},
            {"one entry", Matrix::Constant(1, 1, -0.3)},
            {"sixteen", in_float32(random.gaussian(64, 16))},
            {"several windows", in_float32(random.gaussian(300, 270))},
            {"several panels", random.gaussian(9000, 5)},
            {"several panels of rows", random.gaussian(18, 4200)},
            {"graded columns", graded_columns(60, 30, random)},
            {"graded rows", graded_columns(30, 60, random)},
            {"scattered", scattered(90, 40, random)},
            {"columns of zeros", with_zeros},
            {"one giant entry", giant},
            {"the largest integers", at_the_end},
            {"far from 1", random.gaussian(40, 20) * 0x1p90},
            {"farther from 1", random.gaussian(40, 20) * 0x1p-700},
            {"powers of two", Matrix::Constant(20, 20, 0x1p-3)}};
}

/// Last digits are at most 128 of `step` of the largest entry of a column, and the rest is half of
/// `step` of it.
void check_gram(const Matrix& matrix, Digits digits, double step) {
    const int exponent = *largest_exponent(matrix);
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    const std::optional<Gram> gram = form_integer_gram(panels, 1.0, kAnything, digits);
    REQUIRE(gram);
    const Truth truth = truth_of(matrix, exponent, gram->lower);
    const double error = gram->error.to_double();
    const double rest = gram->rest.to_double();
    CHECK(truth.distance <= error + rest * (2.0 * truth.norm + rest) + 1e-17 * truth.squares);
    CHECK(gram->frobenius_error >= gram->error);
    const double last = 128.0 * step;
    CHECK(error <= last * last * truth.squares * static_cast<double>(panels.inner()));
    CHECK(rest <= 0.5 * step * std::sqrt(static_cast<double>(matrix.size())));
    CHECK(gram->sum_of_squares.lower() <= Lower::exact(truth.squares * (1.0 + 1e-15)));
    CHECK(gram->sum_of_squares.upper() >= Upper::exact(truth.squares * (1.0 - 1e-15)));
    CHECK(gram->largest_absolute_row_sum.to_double() >= truth.norm * truth.norm * (1.0 - 1e-14));
    if (panels.size() > 1) {
        CHECK(std::isnan(gram->lower(0, panels.size() - 1)));
    }
}

}  // namespace

TEST_CASE("integers are multiplied exactly, whatever their digits [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c1);
    const auto any = [&](double largest) { return std::rint(random.uniform(-largest, largest)); };
    CHECK(is_exact(integers(64, [&] { return any(integer_kernel::kLargest); })));
    CHECK(is_exact(integers(Index{64} * 40, [&] { return any(integer_kernel::kLargest); })));
    for (const double bits : {3.0, 8.0, 12.0, 20.0, 28.0}) {
        CHECK(is_exact(integers(128, [&] { return any(std::exp2(bits)); })));
    }
    for (const double largest : {integer_kernel::kLargestOfThree, 0x1p15, 0x1p7}) {
        CHECK(is_exact(integers(Index{64} * 7, [&] { return any(largest); }), Digits::three));
    }
    for (const double largest : {integer_kernel::kLargestOfTwo, 0x1p12, 0x1p7, 1.0}) {
        CHECK(is_exact(integers(Index{64} * 7, [&] { return any(largest); }), Digits::two));
    }
    CHECK(is_exact(integers(128, [&] {
        std::array<int, 4> digits;
        for (int& digit : digits) {
            constexpr std::array<int, 6> kExtremes = {-128, -127, -1, 0, 1, 127};
            digit = kExtremes.at(random.integer(0, 5));
        }
        digits[0] = std::max(digits[0], -127);
        return std::clamp(of_digits(digits), -integer_kernel::kLargest, integer_kernel::kLargest);
    })));
}

TEST_CASE("sums of the longest rows of the largest digits do not overflow [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    const Index longest = integer_kernel::kLongest;
    for (const double entry : {integer_kernel::kLargest,
                               -integer_kernel::kLargest,
                               of_digits({-127, -128, -128, -128}),
                               of_digits({0, -128, -128, -128})}) {
        CAPTURE(entry);
        CHECK(is_exact(Matrix::Constant(longest, kRows, entry)));
    }
    for (const double entry : {integer_kernel::kLargestOfThree,
                               -integer_kernel::kLargestOfThree,
                               of_digits({0, -127, -128, -128})}) {
        CAPTURE(entry);
        CHECK(is_exact(Matrix::Constant(longest, kRows, entry), Digits::three));
    }
    for (const double entry : {integer_kernel::kLargestOfTwo,
                               -integer_kernel::kLargestOfTwo,
                               of_digits({0, 0, -127, -128})}) {
        CAPTURE(entry);
        CHECK(is_exact(Matrix::Constant(longest, kRows, entry), Digits::two));
    }
}

TEST_CASE("a Gram matrix of integers is as near to the true one as it says [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c2);
    for (const Case& test : cases(random)) {
        CAPTURE(std::string(test.name));
        check_gram(test.matrix, Digits::four, 0x1p-30);
        check_gram(test.matrix, Digits::three, 0x1p-22);
    }
}

TEST_CASE("as few digits are taken as will do [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c6);
    const Matrix matrix = random.gaussian(90, 60);
    const int exponent = *largest_exponent(matrix);
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    const double norm = std::ldexp(test::largest_singular_value(matrix), -exponent);
    const double three = form_fast_gram(panels, norm, 0x1p-14 * norm * norm).rest.to_double();
    const double four = form_fast_gram(panels, norm, 0x1p-26 * norm * norm).rest.to_double();
    const double none = form_fast_gram(panels, norm, 0x1p-50 * norm * norm).rest.to_double();
    CHECK(three > 100.0 * four);
    CHECK(four > 0.0);
    CHECK(none < 1e-3 * four);
}

TEST_CASE("numbers of a few bits are left as they are [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c3);
    Matrix matrix = random.gaussian(100, 40);
    matrix = matrix.unaryExpr([](double entry) { return std::ldexp(std::rint(entry * 256), -8); });
    const TallPanels panels = TallPanels::of_smaller_side(matrix, *largest_exponent(matrix));
    const std::optional<Gram> gram = form_integer_gram(panels, 1.0, kAnything, Digits::four);
    REQUIRE(gram);
    CHECK(gram->rest <= Upper::power_of_two(-299));
    CHECK(truth_of(matrix, *largest_exponent(matrix), gram->lower).distance == 0.0);
}

TEST_CASE("a Gram matrix of integers does not depend on the number of threads, nor on units") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c4);
    const Matrix matrix = random.gaussian(700, 400);
    const auto form = [](const Matrix& w) {
        const int exponent = *largest_exponent(w);
        return *form_integer_gram(
            TallPanels::of_smaller_side(w, exponent), 1.0, kAnything, Digits::four);
    };
    const Gram one = [&] {
        const test::ThreadCount single(1);
        return form(matrix);
    }();
    const test::ThreadCount two(2);
    for (const Matrix& w :
         {matrix, Matrix(matrix * 0x1p40), Matrix(matrix * 0x1p-300), Matrix(matrix.transpose())}) {
        const Gram other = form(w);
        CHECK(Matrix(other.lower.triangularView<Eigen::Lower>()) ==
              Matrix(one.lower.triangularView<Eigen::Lower>()));
        CHECK(other.error <= one.error * Upper::exact(1.0 + 0x1p-40));
        CHECK(other.rest == one.rest);
    }
}

TEST_CASE("there is no Gram matrix of integers where it would lose too much") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c5);
    const Matrix matrix = random.gaussian(90, 60);
    const TallPanels panels = TallPanels::of_smaller_side(matrix, *largest_exponent(matrix));
    const double rest = form_integer_gram(panels, 1.0, kAnything, Digits::four)->rest.to_double();
    CHECK(form_integer_gram(panels, 3.0, 6.1 * rest, Digits::four).has_value());
    CHECK_FALSE(form_integer_gram(panels, 3.0, 5.9 * rest, Digits::four).has_value());
    CHECK_FALSE(form_integer_gram(panels, 3.0, 0.0, Digits::four).has_value());
    CHECK_FALSE(form_integer_gram(panels, 3.0, -1.0, Digits::four).has_value());
}

TEST_CASE("a Gram matrix of integers that is not that of the matrix is refused [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c6);
    const Matrix matrix = random.gaussian(300, 200);
    const TallPanels panels = TallPanels::of_smaller_side(matrix, *largest_exponent(matrix));
    PanelSums sums(panels.size());
    panels.for_each([&](const MatrixView& panel, bool columns) { sums.add(panel, columns); });
    sums.scale(panels.unit());
    Gram gram = *form_integer_gram(panels, 1.0, kAnything, Digits::four);
    const Upper frobenius = sqrt(gram.sum_of_squares.upper());
    const freivalds::GramSource source{
        "integers", gram.error + gram.rest * (Upper::of_count(2) * frobenius + gram.rest)};
    CHECK_NOTHROW(freivalds::require_gram(gram.lower, sums.witness(), source));
    const double right = gram.lower(120, 7);
    for (const double wrong :
         {right + 1e-4 * gram.lower(7, 7), -right, right / 256.0, std::nan("")}) {
        CAPTURE(wrong);
        gram.lower(120, 7) = wrong;
        CHECK_THROWS_AS(freivalds::require_gram(gram.lower, sums.witness(), source), Error);
    }
    gram.lower(120, 7) = right;
    gram.lower.row(150).head(100).swap(gram.lower.row(151).head(100));
    CHECK_THROWS_AS(freivalds::require_gram(gram.lower, sums.witness(), source), Error);
}

TEST_CASE("what integers prove of a norm is true, and as near as the level [S12]") {
    if (!integer_kernel::is_available()) {
        return;
    }
    test::Random random(0x5c7);
    const auto check = [&](const Matrix& matrix, double norm) {
        const Vector direction = Vector::Ones(std::min(matrix.rows(), matrix.cols())).normalized();
        const int exponent = *largest_exponent(matrix);
        const double level = norm * (1.0 + 1e-6);
        const std::optional<SpectralNorm> proved =
            norm_at_level(matrix, exponent, {level, norm}, direction);
        REQUIRE(proved);
        CHECK(proved->spectral.upper() <= Upper::exact(level));
        CHECK(proved->spectral.upper() >= Upper::exact(norm * (1.0 - 1e-14)));
        CHECK_FALSE(norm_at_level(matrix, exponent, {norm * (1.0 - 1e-9), 0.9 * norm}, direction));
        return proved->spectral.upper();
    };
    for (const Case& test : cases(random)) {
        CAPTURE(std::string(test.name));
        const Index smaller = std::min(test.matrix.rows(), test.matrix.cols());
        if (smaller < 2) {
            continue;  // elsewhere
        }
        const double unit = std::ldexp(1.0, *largest_exponent(test.matrix));
        const double norm = test::largest_singular_value(test.matrix / unit) * unit;
        const Upper upper = check(test.matrix, norm);
        if (test.matrix.size() <= 400) {
            CHECK(test::exceeds_spectral_norm(upper.value(), test.matrix));
        }
    }
    // All values at the level: H/8, the Hadamard matrix of 64 rows, with some noise below.
    Matrix hadamard = Matrix::Constant(1, 1, 0.125);
    while (hadamard.rows() < 64) {
        Matrix next(2 * hadamard.rows(), 2 * hadamard.rows());
        next << hadamard, hadamard, hadamard, -hadamard;
        hadamard = next;
    }
    check(hadamard, 1.0);
    Matrix twice(128, 64);
    twice << 0.6 * hadamard, 0.8 * hadamard;
    check(twice, 1.0);
    check(twice.transpose(), 1.0);
}
