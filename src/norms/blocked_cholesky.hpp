#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert::blas {

/// Rows of a block: enough for the kernels to reach their speed, few enough that the factor of a
/// diagonal block, which nothing runs beside, costs little.
inline constexpr Eigen::Index kCholeskyBlock = 768;

/// Overwrites the lower triangle of A with L, A = L L^T, block by block: the factor of a diagonal
/// block by potrf, what stands below it by trsm, the rest downdated by syrk and gemm, the blocks of
/// each step on several threads. Returns 0, or the 1-based index of the pivot that was not
/// positive; rows before it then hold their part of L. Above the diagonal, blocks hold garbage.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower, Eigen::Index block = kCholeskyBlock);
[[nodiscard]] Eigen::Index cholesky(FloatMatrix& lower, Eigen::Index block = kCholeskyBlock);

}  // namespace lipcert::blas
