#include "norms/row_solve.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "norms/substitution.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// A lower triangle, well-conditioned as Cholesky factors are not always: garbage above.
Matrix triangle(test::Random& random, Index size, double spread) {
    Matrix lower = random.gaussian(size, size);
    for (Index i = 0; i < size; ++i) {
        const double grade = std::exp2(spread * std::sin(static_cast<double>(7 * i)));
        lower.row(i) *= grade;
        lower(i, i) = grade * (1.0 + std::abs(lower(i, i))) * std::sqrt(static_cast<double>(size));
        lower.row(i).tail(size - i - 1).setConstant(std::numeric_limits<double>::quiet_NaN());
    }
    return lower;
}

/// The largest |X L^T - B| in units of |X| |L|^T, entry by entry, in long double.
double backward_error(const Matrix& lower, const Matrix& before, const Matrix& after) {
    double worst = 0.0;
    for (Index i = 0; i < after.rows(); ++i) {
        for (Index j = 0; j < after.cols(); ++j) {
            long double sum = 0.0L;
            long double size = 0.0L;
            for (Index k = 0; k <= j; ++k) {
                const long double term =
                    static_cast<long double>(after(i, k)) * static_cast<long double>(lower(j, k));
                sum += term;
                size += std::abs(term);
            }
            const long double residual = std::abs(sum - static_cast<long double>(before(i, j)));
            if (residual > 0.0L) {
                worst = std::max(worst, static_cast<double>(residual / size));
            }
        }
    }
    return worst;
}

void check_backward_error(test::Random& random, Index size, Index count, double spread) {
    const Matrix lower = triangle(random, size, spread);
    const Matrix before = random.gaussian(count, size);
    Matrix after = before;
    blas::solve_rows(lower, after);
    const double error = backward_error(lower, before, after);
    CAPTURE(size);
    CAPTURE(count);
    CHECK(error <= gamma(static_cast<std::size_t>(size) + 2).to_double());
    CHECK((size == 1 || error > 0.0));
}

/// The substitution that is meant, one operation after the other.
Matrix by_definition(const Matrix& lower, Matrix rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
        for (Index k = 0; k < rows.cols(); ++k) {
            auto rest = rows(i, k);
            for (Index j = 0; j < k; ++j) {
                rest -= lower(k, j) * rows(i, j);
            }
            rows(i, k) = rest / lower(k, k);
        }
    }
    return rows;
}

void check_definition(test::Random& random, Index size, Index count) {
    const Matrix lower = triangle(random, size, 3.0);
    const Matrix before = random.gaussian(count, size);
    Matrix after = before;
    blas::solve_rows(lower, after);
    CAPTURE(size);
    CAPTURE(count);
    CHECK((after.array() == by_definition(lower, before).array()).all());
}

void check_solvers(test::Random& random) {
    const Matrix lower = triangle(random, substitution::kColumns, 10.0);
    const Matrix before = random.gaussian(substitution::kRows, substitution::kColumns);
    const Matrix expected = by_definition(lower, before);
    const auto solvers = substitution::solvers();
    CHECK(!solvers.empty());
    for (const auto& solver : solvers) {
        Matrix after = before;
        solver({lower.data(), lower.outerStride()}, after.data(), after.outerStride());
        CHECK((after.array() == expected.array()).all());
    }
}

}  // namespace

TEST_CASE("a solution by rows is that of a triangle nearby, within a rounding for each row [S2]") {
    test::Random random(331);
    for (const double spread : {0.0, 20.0}) {
        for (const Index size : {1, 2, 63, 64, 65, 128, 190, 256, 333}) {
            for (const Index count : {1, 31, 33, 64, 130}) {
                check_backward_error(random, size, count, spread);
            }
        }
    }
}

TEST_CASE("up to 64 columns are solved as by the definition, to the last bit") {
    test::Random random(332);
    for (const Index size : {1, 5, 16, 63, 64}) {
        for (const Index count : {1, 32, 63, 64, 65, 200}) {
            check_definition(random, size, count);
        }
    }
}

TEST_CASE("every length of vectors that the processor has solves a strip as the definition does") {
    test::Random random(334);
    for (std::size_t trial = 0; trial < test::repetitions(20); ++trial) {
        check_solvers(random);
    }
}

TEST_CASE("a solution by rows changes nothing beside its rows and reads no garbage") {
    test::Random random(333);
    for (const Index size : {40, 64, 150}) {
        Matrix around = random.gaussian(size + 7, size + 9);
        const Matrix before = around;
        const Matrix lower = triangle(random, size, 1.0);
        blas::solve_rows(lower, around.block(3, 4, size, size));
        const Matrix inside = around.block(3, 4, size, size);
        CHECK(inside.allFinite());
        CHECK((inside - before.block(3, 4, size, size)).norm() > 0.0);
        around.block(3, 4, size, size) = before.block(3, 4, size, size);
        CHECK((around.array() == before.array()).all());
    }
}

TEST_CASE("a pivot of zero leaves numbers that are not finite") {
    Matrix lower = Matrix::Identity(70, 70);
    lower(66, 66) = 0.0;
    Matrix rows = Matrix::Ones(3, 70);
    blas::solve_rows(lower, rows);
    CHECK_FALSE(rows.col(66).allFinite());
}
