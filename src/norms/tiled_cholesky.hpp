#pragma once

#include <cstddef>

#include "norms/float_matrix.hpp"

namespace lipcert {

/// Overwrites the lower triangle of A with L, A = L L^T, in float32 by loops of our own, tile by
/// tile on several threads: from a tile, what all columns before it contribute is taken at once,
/// then it is factored or solved. Returns 0, or the 1-based index of the pivot that was not
/// positive; what then stands in the lower triangle is not defined. What stands above the diagonal
/// stays.
[[nodiscard]] Eigen::Index cholesky(FloatMatrix& lower);

/// q of [S2], in tiles: at least as many roundings to nearest as a product in the sum of an entry
/// passes through, but for those of the division or root at its end.
[[nodiscard]] std::size_t tiled_cholesky_roundings(Eigen::Index size);

}  // namespace lipcert
