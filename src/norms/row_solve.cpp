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
template <typename M>
void solve_strips(const Strided<const M>& lower, Strided<M> rows) {
    using Number = typename M::Scalar;
    constexpr Index kStrip = substitution::kRows<Number>;
    const bool is_full = lower.rows() == kColumns;
    Triangle<Number> triangle{lower.data(), lower.outerStride()};
    M padded;
    if (!is_full) {
        padded = M::Identity(kColumns, kColumns);
        padded.topLeftCorner(lower.rows(), lower.rows()).template triangularView<Eigen::Lower>() =
            lower;
        triangle = {padded.data(), kColumns};
    }
    for (Index begin = 0; begin < rows.rows(); begin += kStrip) {
        const Index count = std::min(kStrip, rows.rows() - begin);
        if (is_full && count == kStrip) {
            substitution::solve(triangle, &rows(begin, 0), rows.outerStride());
        } else {
            M strip = M::Zero(kStrip, kColumns);
            auto part = strip.topLeftCorner(count, rows.cols());
            part = rows.middleRows(begin, count);
            substitution::solve(triangle, strip.data(), kColumns);
            rows.middleRows(begin, count) = part;
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
