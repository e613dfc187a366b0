#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert::blas {

template <typename M>
using Strided = Eigen::Ref<M, 0, Eigen::OuterStride<>>;

/// X := X L^-T for the lower triangle L of a square matrix, a row of X by itself: substitution in
/// loops of our own for 64 columns at a time, what columns before them take away by gemm, so that a
/// term passes through at most as many roundings as L has rows and two for the division. On the
/// calling thread. What stands above the diagonal of L is not read.
template <typename M>
void solve_rows(const Strided<const M>& lower, Strided<M> rows);

extern template void solve_rows<Matrix>(const Strided<const Matrix>&, Strided<Matrix>);
extern template void solve_rows<FloatMatrix>(const Strided<const FloatMatrix>&,
                                             Strided<FloatMatrix>);

}  // namespace lipcert::blas
