#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>

/// The three BLAS and LAPACK routines that bounds rest on, called in the one way that the proofs in
/// docs/theorems-norms.md cover: alpha = +-1, beta = 0, conventional inner products. Nothing here
/// bounds anything; the callers check each result (freivalds.hpp) and bound its error.
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

/// The lower triangle of P^T P for a row-major panel P; the strict upper triangle is left alone.
void gram_of_panel(const Matrix& panel, Matrix& lower);

/// A B.
[[nodiscard]] Matrix multiply(const Matrix& a, const Matrix& b);

/// Overwrites the lower triangle of A with L, A = L L^T. Returns 0, or the 1-based index of the
/// pivot that was not positive; rows before it then hold their part of L.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower);

}  // namespace lipcert::blas
