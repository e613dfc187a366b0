#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert::blas {

/// Overwrites the lower triangle of A with L, A = L L^T, block by block of so many rows: the factor
/// of a diagonal block by potrf, what stands below it by trsm, the rest downdated by syrk and gemm,
/// the blocks of each step on several threads. Returns 0, or the 1-based index of the pivot that
/// was not positive; rows before it then hold their part of L. Above the diagonal, blocks hold
/// garbage.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower, Eigen::Index block);
[[nodiscard]] Eigen::Index cholesky(FloatMatrix& lower, Eigen::Index block);

/// With blocks of 256 rows, or as a whole where more would cost more than a second thread saves.
[[nodiscard]] Eigen::Index cholesky(Matrix& lower);
[[nodiscard]] Eigen::Index cholesky(FloatMatrix& lower);

}  // namespace lipcert::blas
