// Matrices whose largest singular value is known exactly and that break careless norm code:
// equal top values, tiny gaps, low rank, extreme exponents.
#include "lipcert/error.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "support/exact.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using lipcert::test::KnownReal;

namespace {

/// Whether the enclosure holds |W|_F, decided exactly at a scale at which the norm is about 1.
bool encloses_frobenius(const Enclosure& norm, const Matrix& matrix) {
    const int exponent = std::ilogb(matrix.cwiseAbs().maxCoeff());
    mpq_class sum = 0;
    for (const double entry : matrix.reshaped()) {
        sum += mpq_class(entry) * mpq_class(entry);
    }
    sum *= test::two_to(-exponent) * test::two_to(-exponent);
    const Enclosure scaled = norm.scaled(-exponent);
    return test::encloses({scaled.lower() * scaled.lower(), square(scaled.upper())}, sum);
}

/// Enclosed, narrow, and the same for the transpose; the Frobenius norm likewise.
void check_norm(const Matrix& matrix, const KnownReal& exact) {
    const SpectralNorm norm = spectral_norm(matrix);
    CHECK(test::encloses(norm.spectral, exact));
    CHECK(norm.spectral.relative_width().to_double() <= 1e-8);
    const Enclosure& frobenius = norm.frobenius;
    CHECK(encloses_frobenius(frobenius, matrix));
    CHECK(frobenius.relative_width().to_double() <= 1e-11);
    const SpectralNorm turned = spectral_norm(matrix.transpose());
    CHECK(test::encloses(turned.spectral, exact));
    CHECK(turned.spectral.relative_width().to_double() <= 1e-8);
}

/// Shifted bit by bit with a power of two.
void check_scaling(const Matrix& matrix, int exponent) {
    const SpectralNorm norm = spectral_norm(matrix);
    const SpectralNorm shifted = spectral_norm(matrix * std::ldexp(1.0, exponent));
    CHECK(shifted.spectral.lower() == norm.spectral.lower().scaled(exponent));
    CHECK(shifted.spectral.upper() == norm.spectral.upper().scaled(exponent));
    CHECK(shifted.frobenius.upper() == norm.frobenius.upper().scaled(exponent));
}

Matrix filled(Eigen::Index rows,
              Eigen::Index cols,
              const std::function<double(Eigen::Index, Eigen::Index)>& entry) {
    Matrix result(rows, cols);
    for (Eigen::Index i = 0; i < rows; ++i) {
        for (Eigen::Index j = 0; j < cols; ++j) {
            result(i, j) = entry(i, j);
        }
    }
    return result;
}

Matrix kronecker(const Matrix& a, const Matrix& b) {
    return filled(a.rows() * b.rows(), a.cols() * b.cols(), [&](Eigen::Index i, Eigen::Index j) {
        return a(i / b.rows(), j / b.cols()) * b(i % b.rows(), j % b.cols());
    });
}

Matrix hadamard(int doublings) {
    const Matrix core = (Matrix(2, 2) << 1.0, 1.0, 1.0, -1.0).finished();
    Matrix result = Matrix::Ones(1, 1);
    for (int k = 0; k < doublings; ++k) {
        result = kronecker(result, core);
    }
    return result;
}

Matrix second_difference(Eigen::Index n) {
    return filled(n, n, [](Eigen::Index i, Eigen::Index j) {
        return i == j ? 2.0 : (std::abs(i - j) == 1 ? -1.0 : 0.0);
    });
}

/// factor * function(pi * numerator / denominator) + offset.
KnownReal known_trigonometric(int (*function)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t),
                              long numerator,
                              long denominator,
                              const std::function<void(mpfr_ptr)>& finish) {
    return test::known_real([&](mpfr_ptr x) {
        mpfr_const_pi(x, MPFR_RNDN);
        mpfr_mul_si(x, x, numerator, MPFR_RNDN);
        mpfr_div_si(x, x, denominator, MPFR_RNDN);
        function(x, x, MPFR_RNDN);
        finish(x);
    });
}

void twice(mpfr_ptr x) {
    mpfr_mul_si(x, x, 2, MPFR_RNDN);
}

}  // namespace

TEST_CASE("zero, empty and signed-zero matrices have norm [0, 0]") {
    for (const Matrix& matrix : {Matrix(Matrix::Zero(3, 5)),
                                 Matrix(0, 4),
                                 Matrix(4, 0),
                                 Matrix(0, 0),
                                 Matrix(0, 1),
                                 Matrix(-Matrix::Zero(2, 2))}) {
        const SpectralNorm norm = spectral_norm(matrix);
        CHECK(norm.spectral.upper().is_zero());
        CHECK(norm.frobenius.upper().is_zero());
        CHECK(norm.method == NormMethod::zero);
        CHECK(stable_rank(norm).upper().is_zero());
    }
}

TEST_CASE("an infinite or NaN entry is refused") {
    for (const double bad : {std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
        Matrix matrix = Matrix::Ones(4, 3);
        matrix(2, 1) = bad;
        const Error error = test::error_of([&] { static_cast<void>(spectral_norm(matrix)); });
        CHECK(error.kind() == ErrorKind::internal);
        CHECK(test::says(error, "infinite or NaN"));
    }
}

TEST_CASE("one row, one column and one entry are enclosed as Euclidean norms") {
    check_norm(Matrix::Constant(1, 1, 0.1), test::known_double(0.1));
    for (const double n : {1.0, 2.0, 7.0, 1000.0}) {
        const Matrix row = filled(1, static_cast<Eigen::Index>(n), [](auto, Eigen::Index j) {
            return static_cast<double>(j + 1);
        });
        check_norm(row, test::known_root(n * (n + 1) * (2 * n + 1) / 6));
        CHECK(spectral_norm(row).method == NormMethod::dot_product);
    }
}

TEST_CASE("single entries, identities, permutations and diagonals are enclosed") {
    Matrix single = Matrix::Zero(7, 5);
    single(3, 2) = -0.3;
    check_norm(single, test::known_double(0.3));
    check_norm(Matrix::Identity(70, 70), test::known_double(1.0));
    check_norm(Matrix(Matrix::Identity(300, 300).rowwise().reverse()), test::known_double(1.0));
    Matrix nearly = Matrix::Identity(70, 70);
    nearly(69, 69) = 1.0 + 0x1p-52;
    check_norm(nearly, test::known_double(1.0 + 0x1p-52));
    const Matrix graded = filled(60, 60, [](Eigen::Index i, Eigen::Index j) {
        return i == j ? std::ldexp(1.0, 500 - 17 * static_cast<int>(i)) : 0.0;
    });
    check_norm(graded, test::known_double(0x1p500));
}

TEST_CASE("Hadamard matrices, whose singular values are all equal, are enclosed") {
    for (const int doublings : {1, 3, 6, 7, 9}) {
        check_norm(hadamard(doublings), test::known_root(std::ldexp(1.0, doublings)));
    }
    Matrix last = hadamard(7);
    last.col(127) *= 1.0 + 0x1p-40;
    check_norm(last, test::known_real([](mpfr_ptr x) {
                   mpfr_sqrt_ui(x, 128, MPFR_RNDN);
                   mpfr_mul_d(x, x, 1.0 + 0x1p-40, MPFR_RNDN);
               }));
}

TEST_CASE("matrices of rank one are enclosed") {
    check_norm(Matrix::Ones(300, 257), test::known_root(300.0 * 257.0));
    check_norm(Matrix::Constant(300, 257, 65504.0), test::known_root(65504.0 * 65504.0 * 77100.0));
    const Matrix outer = filled(40, 70, [](Eigen::Index i, Eigen::Index j) {
        return static_cast<double>((i % 5 + 1) * (j % 3 - 1));
    });
    check_norm(outer, test::known_root(8.0 * 55.0 * (24.0 + 23.0)));
}

TEST_CASE("shifts, triangles and min(i, j) are enclosed, at 200 rows and more") {
    for (const Eigen::Index n : {2, 30, 65, 200}) {
        const long size = static_cast<long>(n);
        const Matrix shift = filled(n, n, [](auto i, auto j) { return i == j + 1 ? 1.0 : 0.0; });
        check_norm(shift, test::known_double(1.0));
        check_norm(Matrix(shift + Matrix::Identity(n, n)),
                   known_trigonometric(mpfr_cos, 1, 2 * size + 1, twice));
        check_norm(filled(n, n, [](auto i, auto j) { return i <= j ? 1.0 : 0.0; }),
                   known_trigonometric(mpfr_sin, 1, 4 * size + 2, [](mpfr_ptr x) {
                       twice(x);
                       mpfr_si_div(x, 1, x, MPFR_RNDN);
                   }));
        check_norm(
            filled(n, n, [](auto i, auto j) { return static_cast<double>(std::min(i, j) + 1); }),
            known_trigonometric(mpfr_sin, 1, 4 * size + 2, [](mpfr_ptr x) {
                twice(x);
                mpfr_sqr(x, x, MPFR_RNDN);
                mpfr_si_div(x, 1, x, MPFR_RNDN);
            }));
    }
}

TEST_CASE("the second difference, whose relative gap is of order n^-3, is enclosed narrowly") {
    for (const Eigen::Index n : {3, 64, 65, 300, 700}) {
        check_norm(second_difference(n),
                   known_trigonometric(mpfr_cos, 1, static_cast<long>(n) + 1, [](mpfr_ptr x) {
                       twice(x);
                       mpfr_add_si(x, x, 2, MPFR_RNDN);
                   }));
    }
}

TEST_CASE("the second difference beside itself, scaled down or not, keeps its norm") {
    for (const int shift : {0, 1, 20, 60}) {
        Matrix both = Matrix::Zero(100, 100);
        both.topLeftCorner(50, 50) = std::ldexp(1.0, -shift) * second_difference(50);
        both.bottomRightCorner(50, 50) = second_difference(50);
        check_norm(both, known_trigonometric(mpfr_cos, 1, 51, [](mpfr_ptr x) {
                       twice(x);
                       mpfr_add_si(x, x, 2, MPFR_RNDN);
                   }));
    }
}

TEST_CASE("integer matrices with an integer norm are enclosed") {
    const Eigen::Index n = 90;
    check_norm(Matrix(90.0 * Matrix::Identity(n, n) - Matrix::Ones(n, n)),
               test::known_double(90.0));
    const Matrix core = (Matrix(3, 3) << 1.0, 2.0, 2.0, 2.0, 1.0, -2.0, 2.0, -2.0, 1.0).finished();
    check_norm(kronecker(core, kronecker(core, kronecker(core, core))), test::known_double(81.0));
    check_norm(
        filled(n, n, [n](auto i, auto j) { return static_cast<double>(((j - i + n) % n) % 7); }),
        test::known_double([] {
            double sum = 0.0;
            for (Eigen::Index k = 0; k < n; ++k) {
                sum += static_cast<double>(k % 7);
            }
            return sum;
        }()));
    Matrix star = Matrix::Zero(101, 101);
    star.row(0).tail(100).setOnes();
    star.col(0).tail(100).setOnes();
    check_norm(star, test::known_double(10.0));
    // Every row holds 6 ones, every column 4.
    check_norm(
        filled(60, 90, [](auto i, auto j) { return (j - i * 6 % 90 + 90) % 90 < 6 ? 1.0 : 0.0; }),
        test::known_root(24.0));
    check_norm((Matrix(2, 2) << 1.0, 1.0, 1.0, 0.0).finished(), test::known_real([](mpfr_ptr x) {
                   mpfr_sqrt_ui(x, 5, MPFR_RNDN);
                   mpfr_add_ui(x, x, 1, MPFR_RNDN);
                   mpfr_div_ui(x, x, 2, MPFR_RNDN);
               }));
}

TEST_CASE("the largest and the smallest exponents lose nothing") {
    check_norm(Matrix::Constant(9, 4, 0x1p-1074), test::scaled(test::known_double(6.0), -1074));
    check_norm(Matrix::Constant(8, 8, 0x1p1000), test::scaled(test::known_double(8.0), 1000));
    check_norm(Matrix::Constant(2, 2, 0x1p1023), test::scaled(test::known_double(2.0), 1023));
    check_norm(Matrix::Constant(1, 5, 0x1p1023), test::scaled(test::known_root(5.0), 1023));
    check_norm(Matrix::Constant(7, 1, 0x1p-1074), test::scaled(test::known_root(7.0), -1074));
    const double largest = std::numeric_limits<double>::max();
    check_norm(Matrix::Constant(64, 64, largest), test::scaled(test::known_double(largest), 6));
    const Matrix mixed = (Matrix(2, 2) << 0x1p1023, 0x1p-1074, 0x1p-1074, 0.0).finished();
    check_norm(mixed, test::known_double(0x1p1023));
}

TEST_CASE("stacking a matrix on its negative multiplies the norm by sqrt(2)") {
    Matrix stacked(160, 80);
    stacked << second_difference(80), -second_difference(80);
    check_norm(stacked, known_trigonometric(mpfr_cos, 1, 81, [](mpfr_ptr x) {
                   twice(x);
                   mpfr_add_si(x, x, 2, MPFR_RNDN);
                   mpfr_sqr(x, x, MPFR_RNDN);
                   twice(x);
                   mpfr_sqrt(x, x, MPFR_RNDN);
               }));
}

TEST_CASE("multiplying by a power of two shifts the enclosure bit by bit") {
    test::Random random(31);
    const Matrix matrix = random.gaussian(20, 33);
    for (const int exponent : {-900, -52, -1, 1, 3, 60, 1000}) {
        check_scaling(matrix, exponent);
    }
    check_scaling(random.gaussian(90, 70), -77);
    for (const int exponent : {-700, 9, 900}) {
        check_scaling(hadamard(5), exponent);
        check_scaling(second_difference(70), exponent);
        check_scaling(Matrix::Ones(1, 9), exponent);
        check_scaling(Matrix::Ones(2100, 3), exponent);
    }
}

TEST_CASE("many equal or nearly equal top singular values still give a narrow enclosure") {
    test::Random random(32);
    const Eigen::Index n = 200;
    for (const double spread : {0.0, 1e-14, 1e-11, 1e-9, 1e-7, 1e-4}) {
        // Householder reflections of a diagonal: the norm is that of the diagonal up to rounding,
        // so only the width is checked here.
        Matrix matrix = Matrix::Identity(n, n);
        for (Eigen::Index i = 0; i < n; ++i) {
            matrix(i, i) = 1.0 - spread * static_cast<double>(i);
        }
        for (int k = 0; k < 3; ++k) {
            const Vector left = random.gaussian_vector(n).normalized();
            matrix -= 2.0 * left * (left.transpose() * matrix);
        }
        const SpectralNorm norm = spectral_norm(matrix);
        CHECK(norm.spectral.relative_width().to_double() <= 1e-8);
        CHECK(norm.spectral.upper().to_double() >= 1.0 - 1e-13);
        CHECK(norm.spectral.lower().to_double() <= 1.0 + 1e-13);
    }
}
