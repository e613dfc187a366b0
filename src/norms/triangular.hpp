#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert {

/// Products and solves with the lower triangle of a matrix, what stands above it ignored. Loops of
/// our own on the calling thread: handing such small work to the BLAS' threads costs more than it
/// saves, seconds where the machine is busy.

/// A x for the symmetric matrix A with this lower triangle.
[[nodiscard]] Vector symmetric_product(const Matrix& lower, const Vector& x);

/// x := (L L^T)^-1 x.
void solve_with_factor(const Matrix& lower, Vector& x);

/// x := L_k^-T x, L_k the leading block of x.size() rows.
void solve_transposed_leading_block(const Matrix& lower, Vector& x);

/// |L| (|L|^T x).
[[nodiscard]] Vector absolute_gram_product(const Matrix& lower, const Vector& x);
[[nodiscard]] Eigen::VectorXf absolute_gram_product(const FloatMatrix& lower,
                                                    const Eigen::VectorXf& x);

/// L (L^T x).
[[nodiscard]] Eigen::VectorXf gram_product(const FloatMatrix& lower, const Eigen::VectorXf& x);

}  // namespace lipcert
