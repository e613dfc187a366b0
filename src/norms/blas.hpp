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
/// passes through that is summed in panels of `length`: panel length plus number of panels.
[[nodiscard]] std::size_t roundings_in_panels(Eigen::Index inner, Eigen::Index length);

/// The same in panels of kPanelLength.
[[nodiscard]] std::size_t accumulation_length(Eigen::Index inner);

/// The same of Gram matrices in float64. What they lose in accuracy by longer panels is far below
/// what a factorisation loses, and adding panels costs time.
inline constexpr Eigen::Index kGramLength = 4096;
[[nodiscard]] std::size_t gram_accumulation_length(Eigen::Index inner);

/// Throws Error{environment} unless the calling thread computes as IEEE 754 says, the loaded BLAS
/// and LAPACK are OpenBLAS, and its kernels reproduce exact integer results bit by bit (the latter
/// two are tested once per process).
void require_trusted();

/// What require_trusted() runs once, again: throws where a kernel does not reproduce exact integer
/// results, or divides by more than a rounded reciprocal.
void run_probes();

/// A B.
[[nodiscard]] Matrix multiply(const Matrix& a, const Matrix& b);

/// op(A) B, op the transpose where `transposed`, for a B of few columns; float32 is for estimates.
[[nodiscard]] Matrix multiply(const MatrixView& a, bool transposed, const Matrix& b);
[[nodiscard]] FloatMatrix multiply(const FloatMatrix& a, bool transposed, const FloatMatrix& b);

/// B := B L^-T for the lower triangle L of a square matrix.
void solve_right(const Matrix& lower, Matrix& b);

/// For estimates: A B for the symmetric matrix A with this lower triangle and a B of few columns.
[[nodiscard]] Matrix multiply_symmetric(const Matrix& lower, const Matrix& b);

}  // namespace lipcert::blas
