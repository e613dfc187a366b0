#include "norms/row_solve.hpp"

#include <algorithm>

#include "norms/blas_routines.hpp"
#include "norms/substitution.hpp"

namespace lipcert::blas {

namespace {

using Eigen::Index;
using substitution::kColumns;
using substitution::Triangle;

/// At most kColumns columns. What is smaller than a strip is solved inside one, with the identity
/// beyond its triangle and zeros beyond its numbers.
void solve_strips(const Strided<const Matrix>& lower, Strided<Matrix> rows) {
    constexpr Index kStrip = substitution::kRows;
    const bool is_full = lower.rows() == kColumns;
    Triangle triangle{lower.data(), lower.outerStride()};
    Matrix padded;
    if (!is_full) {
        padded = Matrix::Identity(kColumns, kColumns);
        padded.topLeftCorner(lower.rows(), lower.rows()).triangularView<Eigen::Lower>() = lower;
        triangle = {padded.data(), kColumns};
    }
    for (Index begin = 0; begin < rows.rows(); begin += kStrip) {
        const Index count = std::min(kStrip, rows.rows() - begin);
        if (is_full && count == kStrip) {
            substitution::solve(triangle, &rows(begin, 0), rows.outerStride());
        } else {
            Matrix strip = Matrix::Zero(kStrip, kColumns);
            auto part = strip.topLeftCorner(count, rows.cols());
            part = rows.middleRows(begin, count);
            substitution::solve(triangle, strip.data(), kColumns);
            rows.middleRows(begin, count) = part;
        }
    }
}

/// rows <- rows - before beside^T.
void downdate(const Strided<const Matrix>& before,
              const Strided<const Matrix>& beside,
              Strided<Matrix> rows) {
    cblas_dgemm(CblasRowMajor,
                CblasNoTrans,
                CblasTrans,
                checked(rows.rows()),
                checked(rows.cols()),
                checked(before.cols()),
                -1.0,
                before.data(),
                checked(before.outerStride()),
                beside.data(),
                checked(beside.outerStride()),
                1.0,
                rows.data(),
                checked(rows.outerStride()));
}

}  // namespace

void solve_rows(const Strided<const Matrix>& lower, Strided<Matrix> rows) {
    const Index size = lower.rows();
    if (size <= kColumns) {
        solve_strips(lower, rows);
        return;
    }
    // Halves of whole strips.
    const Index first = (size / 2 + kColumns - 1) / kColumns * kColumns;
    const Index second = size - first;
    solve_rows(lower.topLeftCorner(first, first), rows.leftCols(first));
    downdate(rows.leftCols(first), lower.bottomLeftCorner(second, first), rows.rightCols(second));
    solve_rows(lower.bottomRightCorner(second, second), rows.rightCols(second));
}

}  // namespace lipcert::blas
