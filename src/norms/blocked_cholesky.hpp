#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>

namespace lipcert::blas {

/// Overwrites the lower triangle of A with L, A = L L^T, block by block of so many rows: the factor
/// of a diagonal block by potrf, what stands below it by substitution, the rest downdated by what
/// syrk and gemm form, the blocks of each step on several threads. Returns 0, or the 1-based index
/// of the pivot that was not positive; rows before it then hold their part of L. What stands above
/// the diagonal stays.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower, Eigen::Index block);

/// With blocks of 192 or 256 rows, or as a whole where that is less than two.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower);

/// The most roundings that a product in the sum of an entry passes through, its own included, but
/// for those of the division or root at its end [S2]: within a block, and one for each block.
[[nodiscard]] std::size_t cholesky_roundings(Eigen::Index size, Eigen::Index block);
[[nodiscard]] std::size_t cholesky_roundings(Eigen::Index size);

}  // namespace lipcert::blas
