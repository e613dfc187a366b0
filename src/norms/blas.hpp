#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>

#include "norms/float_matrix.hpp"

/// The BLAS and LAPACK routines that bounds rest on, called in the one way that the proofs in
/// docs/theorems-norms.md cover: alpha = +-1, beta = 0 or 1, conventional inner products. Nothing
/// here bounds anything; the callers check each result (freivalds.hpp) and bound its error.
namespace lipcert::blas {

/// The longest inner dimension that one call sums over. Longer ones are cut into panels that are
/// formed with beta = 0 and then added, so that a term passes through at most
/// `accumulation_length` roundings instead of the whole length.
inline constexpr Eigen::Index kPanelLength = 1024;

/// An upper bound on the number of roundings that one term of an inner product of `inner` terms
/// passes through: panel length plus number of panels.
[[nodiscard]] std::size_t accumulation_length(Eigen::Index inner);

/// Throws Error{environment} unless the calling thread computes as IEEE 754 says, the loaded BLAS
/// and LAPACK are OpenBLAS, and its kernels reproduce exact integer results bit by bit (the latter
/// two are tested once per process).
void require_trusted();

/// What require_trusted() runs once, again: throws where a kernel does not reproduce exact integer
/// results, or divides by more than a rounded reciprocal.
void run_probes();

/// The lower triangle of P^T P for a row-major panel P; the strict upper triangle is left alone.
void gram_of_panel(const Matrix& panel, Matrix& lower);

/// A B.
[[nodiscard]] Matrix multiply(const Matrix& a, const Matrix& b);

/// result = op(A) B, op the transpose where `transposed`; `result` has its shape already. One call:
/// every term passes through as many roundings as the inner dimension has entries.
void multiply(const MatrixView& a, bool transposed, const MatrixView& b, Matrix& result);

/// In float32, the lower triangle of P^T P, or of P P^T where `columns`.
void gram_of_panel(const FloatMatrix& panel, bool columns, FloatMatrix& lower);

/// In float32: lower -= M M^T (lower triangle), M of few columns.
void subtract_gram(const FloatMatrix& vectors, FloatMatrix& lower);

/// In float32, for estimates: y = A x for the symmetric matrix A with this lower triangle.
void multiply_symmetric(const FloatMatrix& lower, const float* x, float* y);

/// Overwrites the lower triangle of A with L, A = L L^T. Returns 0, or the 1-based index of the
/// pivot that was not positive; rows before it then hold their part of L.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower);
[[nodiscard]] Eigen::Index cholesky(FloatMatrix& lower);

}  // namespace lipcert::blas
