// The Gram matrix in exact integers: its kernels against each other and against plain sums, the
// rounding of a panel, and each term of the bound.
#include "norms/integer_gram.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "norms/deflation.hpp"
#include "norms/integer_panel.hpp"
#include "norms/paths.hpp"
#include "norms/scaling.hpp"
#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

using Integers = Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic>;

/// What a left operand holds: 256 high + low, rows of Q^T.
Integers integers_of(const std::int8_t* left, int steps) {
    Integers result(integer::kSide, steps * integer::kStep);
    for (Index i = 0; i < result.rows(); ++i) {
        for (Index k = 0; k < result.cols(); ++k) {
            const std::int8_t* const step = left + k / integer::kStep * integer::kStepBytes;
            const Index place =
                i / 16 * integer::kTile + i % 16 * integer::kStep + k % integer::kStep;
            result(i, k) = std::int64_t{step[place]} * 256 + step[2 * integer::kTile + place];
        }
    }
    return result;
}

std::vector<std::int8_t> transposed_words(const std::vector<std::int8_t>& left) {
    std::vector<std::int8_t> right(left.size());
    for (std::size_t tile = 0; tile < left.size(); tile += integer::kTile) {
        integer::transpose_words(left.data() + tile, right.data() + tile);
    }
    return right;
}

std::vector<std::int8_t> random_operand(test::Random& random, int steps, int kind) {
    std::vector<std::int8_t> bytes(static_cast<std::size_t>(steps * integer::kStepBytes));
    for (std::int8_t& byte : bytes) {
        byte = static_cast<std::int8_t>(kind == 0 ? static_cast<int>(random.integer(0, 255)) - 128
                                                  : (kind == 1 ? -128 : 127));
    }
    return bytes;
}

/// The matrix Q of a panel, in the numbers that it stands for.
Matrix rounded(const integer::Panel& panel, Index rows, Index cols) {
    Matrix result(rows, cols);
    for (int group = 0; group < panel.groups; ++group) {
        const Integers values = integers_of(panel.left_of(group), panel.steps);
        for (Index j = 0; j < integer::kSide; ++j) {
            const Index col = Index{group} * integer::kSide + j;
            for (Index i = 0; i < values.cols(); ++i) {
                if (i < rows && col < cols) {
                    result(i, col) = static_cast<double>(values(j, i)) * panel.units(col);
                } else {
                    CHECK(values(j, i) == 0);
                }
            }
        }
    }
    return result;
}

/// Columns of many sizes, one of zeros, one that vanishes, and entries at the ends of the range.
Matrix awkward(test::Random& random, Index rows, Index cols) {
    Matrix matrix = random.gaussian(rows, cols) / 8.0;
    for (Index j = 0; j < cols; ++j) {
        matrix.col(j) *= std::ldexp(1.0, -static_cast<int>(j % 23) * 5);
    }
    matrix.col(0).setZero();
    matrix.col(1) = matrix.col(1).cwiseSign() * 0x1p-300;
    matrix(0, 2) = 32639.25 * 0x1p-15;  // would round to the largest integer there is
    matrix(0, 3) = -32639.0 * 0x1p-15;
    matrix(0, 4) = 32767.9 * 0x1p-15;
    return matrix.cwiseMin(1.0).cwiseMax(-1.0);
}

bool intersect(const Enclosure& a, const Enclosure& b) {
    return a.lower().value().compare(b.upper().value()) <= 0 &&
           b.lower().value().compare(a.upper().value()) <= 0;
}

void check_rounded_column(const Vector& column, const Vector& q, double unit, double lost_square) {
    const double largest = column.cwiseAbs().maxCoeff();
    const Vector lost = column - q;
    if (largest < 0x1p-200) {
        CHECK(unit == 0.0);
        CHECK(q.isZero(0.0));
        CHECK(lost_square >= lost.squaredNorm());
        return;
    }
    CHECK(largest <= integer::kLargest * unit);
    CHECK(largest > integer::kLargest * unit / 2.01);
    CHECK(lost.cwiseAbs().maxCoeff() <= 0.5 * unit);
    CHECK(std::abs(lost_square - lost.squaredNorm()) <= 1e-12 * lost.squaredNorm());
}

void check_rounded(const integer::Panel& panel, const Matrix& matrix) {
    const Matrix q = rounded(panel, matrix.rows(), matrix.cols());
    CHECK(transposed_words(panel.left) == panel.right);
    for (Index j = 0; j < matrix.cols(); ++j) {
        CAPTURE(j);
        check_rounded_column(matrix.col(j), q.col(j), panel.units(j), panel.lost_squares(j));
    }
}

std::vector<const integer::Kernel*> kernels() {
    std::vector<const integer::Kernel*> result{&integer::portable_kernel()};
    if (const integer::Kernel* const fast = integer::fast_kernel()) {
        result.push_back(fast);
    }
    return result;
}

SpectralNorm integrally_deflated(const Matrix& matrix) {
    return norm_by_deflation(matrix, *largest_exponent(matrix), [](const SmallerSide& side) {
        return form_integer_gram(side, integer::portable_kernel());
    });
}

}  // namespace

TEST_CASE("a product of integers is that of plain sums, on every kernel [S11]") {
    test::Random random(0x61);
    if (integer::fast_kernel() == nullptr) {
        MESSAGE("no unit for integers here: the portable kernel alone is tested");
    }
    for (const int steps : {1, 3, 16}) {
        for (int kind = 0; kind < 3; ++kind) {
            const auto left = random_operand(random, steps, kind);
            const auto other = random_operand(random, steps, kind == 2 ? 1 : kind);
            const auto right = transposed_words(other);
            const Integers expected =
                integers_of(left.data(), steps) * integers_of(other.data(), steps).transpose();
            for (const integer::Kernel* kernel : kernels()) {
                std::vector<double> product(integer::kSide * integer::kSide);
                kernel->multiply(left.data(), right.data(), steps, product.data());
                for (Index i = 0; i < integer::kSide; ++i) {
                    for (Index j = 0; j < integer::kSide; ++j) {
                        CHECK(product[static_cast<std::size_t>(i * integer::kSide + j)] ==
                              static_cast<double>(expected(i, j)));
                    }
                }
            }
        }
    }
}

TEST_CASE("a panel is rounded to 15 bits a column, and what it loses is counted [S11]") {
    test::Random random(0x62);
    for (const Index rows : {1, 63, 64, 200, 1024}) {
        for (const Index cols : {5, 32, 45}) {
            const Matrix matrix = awkward(random, rows, cols);
            const Matrix stored = matrix * 0x1p7;
            for (const integer::Kernel* kernel : kernels()) {
                integer::Panel panel;
                integer::round_panel(stored, false, 0x1p-7, *kernel, panel);
                check_rounded(panel, matrix);
                integer::round_panel(stored.transpose(), true, 0x1p-7, *kernel, panel);
                check_rounded(panel, matrix);
            }
        }
    }
}

TEST_CASE("the integer Gram matrix is as near as it says, and the same on every kernel [S11]") {
    test::Random random(0x63);
    for (const Index rows : {130, 300, 2100}) {
        const Index n = 100;
        const Matrix matrix = awkward(random, rows, n);
        const SmallerSide side(matrix, 0);
        const CrudeGram gram = form_integer_gram(side, integer::portable_kernel());
        Matrix q(rows, n);
        for (Index begin = 0; begin < rows; begin += 1024) {
            const Index count = std::min<Index>(1024, rows - begin);
            integer::Panel panel;
            integer::round_panel(
                matrix.middleRows(begin, count), false, 1.0, integer::portable_kernel(), panel);
            q.middleRows(begin, count) = rounded(panel, count, n);
        }
        const Matrix exact = q.transpose() * q;
        const Matrix lower = gram.lower.cast<double>().triangularView<Eigen::Lower>();
        const Matrix strictly = lower.triangularView<Eigen::StrictlyLower>();
        const Matrix seen = lower + Matrix(strictly.transpose());
        CHECK((seen - exact).norm() <= gram.error.to_double());
        CHECK(gram.error.to_double() <= 8.0 * 0x1p-23 * exact.trace());
        CHECK(gram.frobenius.to_double() >= seen.norm());
        CHECK(gram.lost.norm.to_double() >= (matrix - q).norm() * (1.0 - 1e-12));
        CHECK(gram.lost.norm.to_double() <= (matrix - q).norm() * (1.0 + 1e-9));
        for (Index j = 0; j < n; ++j) {
            CHECK(gram.lost.of_columns(j) >= (matrix - q).col(j).norm());
        }
        CHECK(gram.lower.array().isNaN().count() == n * (n - 1) / 2);
        CHECK(gram.sum_of_squares.upper().to_double() >= matrix.squaredNorm() * (1 - 1e-13));
        CHECK(gram.sum_of_squares.lower().to_double() <= matrix.squaredNorm() * (1 + 1e-13));
        for (const integer::Kernel* kernel : kernels()) {
            const CrudeGram other = form_integer_gram(side, *kernel);
            for (Index i = 0; i < n; ++i) {
                CHECK((other.lower.row(i).head(i + 1).array() ==
                       gram.lower.row(i).head(i + 1).array())
                          .all());
            }
            CHECK(other.lost.norm == gram.lost.norm);
        }
    }
}

TEST_CASE("the errors of the integer Gram matrix are their formulas [S11]") {
    const mpq_class unit = test::two_to(-23);
    const auto exact_gamma32 = [&unit](long k) -> mpq_class { return k * unit / (1 - k * unit); };
    CHECK(test::is_rounded_up(
        integer_gram_error(3000, 7, 3, Upper::power_of_two(-100)),
        exact_gamma32(6) * test::two_to(-100) + mpq_class(16) * 3000 * 7 * test::two_to(-126)));
    const LostPart none = LostPart::of_squares(Vector::Zero(3), 2000, 2);
    CHECK(none.norm >= sqrt(Upper::of_count(9072) * Upper::power_of_two(-400)));
    CHECK(none.norm <= sqrt(Upper::of_count(9075) * Upper::power_of_two(-400)));
    const LostPart some = LostPart::of_squares(Vector::Ones(4), 2000, 2);
    // 1024 + 1 roundings of a panel, 2 of panels, 4 of columns.
    CHECK(some.norm >= Upper::exact(2.0 * (1.0 + 0.5 * 1030.0 * 0x1p-52)));
    CHECK(some.norm <= Upper::exact(2.0 * (1.0 + 0.5 * 1040.0 * 0x1p-52)));
}

TEST_CASE("what rounding to integers lost raises the bound of the rest [S11]") {
    const Index n = 40;
    const auto rest_with = [&](const Upper& lost) {
        CrudeGram gram;
        gram.lower = FloatMatrix::Zero(n, n);
        gram.lower.diagonal().setConstant(0.25F);
        gram.lower(0, 0) = 1.0F;
        gram.lost.norm = lost;
        return bound_of_rest(gram, Vector::Unit(n, 0), Vector::Ones(1), 0.25, 1000.0).to_double();
    };
    const double plain = rest_with(Upper());
    const double raised = rest_with(Upper::exact(0.5));
    CHECK(raised >= std::pow(std::sqrt(plain) + 0.5, 2) * (1.0 - 1e-12));
    CHECK(raised <= std::pow(std::sqrt(plain) + 0.5, 2) * (1.0 + 1e-12));
}

TEST_CASE("a matrix whose top hides in what integers lose is not deflated to less [S11]") {
    // Column 0 is large in one row only; its other entries, together the top singular vector, are
    // below half a unit of it and are rounded to zero.
    const Index n = 200;
    Matrix matrix = Matrix::Zero(n, n);
    matrix.diagonal().setConstant(0.25);
    matrix(0, 0) = 1.0;
    matrix.block(1, 1, n - 1, n - 1).array() += 0x1p-20;
    matrix.col(0).tail(n - 1).setConstant(0.9 * 0x1p-16);
    const SpectralNorm safe =
        norm_by_factorisation(matrix, *largest_exponent(matrix), std::nullopt);
    const SpectralNorm fast = integrally_deflated(matrix);
    CHECK(intersect(fast.spectral, safe.spectral));
}

TEST_CASE("the path over integers agrees with float64 on spectra of many kinds [S11]") {
    test::Random random(0x64);
    std::size_t deflations = 0;
    for (std::size_t trial = 0; trial < test::repetitions(12); ++trial) {
        const auto rows = static_cast<Index>(random.integer(130, 200));
        const auto cols = static_cast<Index>(random.integer(130, 200));
        Matrix matrix = random.gaussian(rows, cols) / std::sqrt(static_cast<double>(rows));
        for (std::size_t i = random.integer(0, 14); i > 0; --i) {
            const double size = std::ldexp(1.0, static_cast<int>(random.integer(0, 30)) - 20);
            matrix +=
                size * random.gaussian_vector(rows) * random.gaussian_vector(cols).transpose();
        }
        if (trial % 3 == 1) {  // graded columns, and rows that integers do not see
            for (Index j = 0; j < cols; ++j) {
                matrix.col(j) *= std::ldexp(1.0, static_cast<int>(random.integer(0, 80)) - 40);
            }
        } else if (trial % 3 == 2) {
            for (Index i = 0; i < rows; ++i) {
                matrix.row(i) *= std::ldexp(1.0, -static_cast<int>(random.integer(0, 30)));
            }
        }
        const SpectralNorm fast = integrally_deflated(matrix);
        const SpectralNorm safe =
            norm_by_factorisation(matrix, *largest_exponent(matrix), std::nullopt);
        CHECK(intersect(fast.spectral, safe.spectral));
        CHECK(fast.spectral.relative_width().to_double() <= 1e-8);
        deflations += fast.method == NormMethod::deflation ? 1 : 0;
    }
    CHECK(deflations > 0);
}
