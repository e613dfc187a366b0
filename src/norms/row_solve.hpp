#pragma once

#include "lipcert/tensor/matrix.hpp"

namespace lipcert::blas {

/// Rows that follow each other at any distance.
template <typename M>
using Strided = Eigen::Ref<M, 0, Eigen::OuterStride<>>;

/// X := X L^-T for the lower triangle L of a square matrix, a row of X by itself: substitution in
/// loops of our own for 64 columns at a time, what columns before them take away by gemm, so that a
/// term passes through at most as many roundings as L has rows and two for the division. On the
/// calling thread. What stands above the diagonal of L is not read.
void solve_rows(const Strided<const Matrix>& lower, Strided<Matrix> rows);

}  // namespace lipcert::blas
