#include "norms/row_solve.hpp"

#include <algorithm>

#include "norms/blas_routines.hpp"
#include "norms/substitution.hpp"

namespace lipcert::blas {

namespace {

using Eigen::Index;
using substitution::kColumns;
using substitution::Triangle;

/// A strip of full size around fewer rows or columns: the identity beyond the triangle, zeros in
/// the rows.
template <typename M>
void solve_part_of_strip(const Strided<const M>& lower, Strided<M> rows) {
    using Number = typename M::Scalar;
    M triangle = M::Identity(kColumns, kColumns);
    triangle.topLeftCorner(lower.rows(), lower.rows()).template triangularView<Eigen::Lower>() =
        lower;
    M strip = M::Zero(substitution::kRows<Number>, kColumns);
    strip.topLeftCorner(rows.rows(), rows.cols()) = rows;
    substitution::solve(Triangle<Number>{triangle.data(), kColumns}, strip.data(), kColumns);
    rows = strip.topLeftCorner(rows.rows(), rows.cols());
}

template <typename M>
void solve_strips(const Strided<const M>& lower, Strided<M> rows) {
    using Number = typename M::Scalar;
    constexpr Index kStrip = substitution::kRows<Number>;
    for (Index begin = 0; begin < rows.rows(); begin += kStrip) {
        const Index count = std::min(kStrip, rows.rows() - begin);
        if (count == kStrip && lower.rows() == kColumns) {
            substitution::solve(Triangle<Number>{lower.data(), lower.outerStride()},
                                &rows(begin, 0),
                                rows.outerStride());
        } else {
            solve_part_of_strip<M>(lower, rows.middleRows(begin, count));
        }
    }
}

/// rows <- rows - before beside^T.
template <typename M>
void downdate(const Strided<const M>& before, const Strided<const M>& beside, Strided<M> rows) {
    using Number = typename M::Scalar;
    Routines<Number>::kGemm(CblasRowMajor,
                            CblasNoTrans,
                            CblasTrans,
                            checked(rows.rows()),
                            checked(rows.cols()),
                            checked(before.cols()),
                            Number(-1),
                            before.data(),
                            checked(before.outerStride()),
                            beside.data(),
                            checked(beside.outerStride()),
                            Number(1),
                            rows.data(),
                            checked(rows.outerStride()));
}

}  // namespace

template <typename M>
void solve_rows(const Strided<const M>& lower, Strided<M> rows) {
    const Index size = lower.rows();
    if (size <= kColumns) {
        solve_strips<M>(lower, rows);
        return;
    }
    // Halves of whole strips.
    const Index first = (size / 2 + kColumns - 1) / kColumns * kColumns;
    const Index second = size - first;
    solve_rows<M>(lower.topLeftCorner(first, first), rows.leftCols(first));
    downdate<M>(
        rows.leftCols(first), lower.bottomLeftCorner(second, first), rows.rightCols(second));
    solve_rows<M>(lower.bottomRightCorner(second, second), rows.rightCols(second));
}

template void solve_rows<Matrix>(const Strided<const Matrix>& lower, Strided<Matrix> rows);
template void solve_rows<FloatMatrix>(const Strided<const FloatMatrix>& lower,
                                      Strided<FloatMatrix> rows);

}  // namespace lipcert::blas
