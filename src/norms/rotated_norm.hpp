#pragma once

#include "lipcert/norms/spectral_norm.hpp"

namespace lipcert {

/// [S10] Encloses |W|_2 by |V^T W^T W V| and |V^T V - I| for a V that is about orthogonal and of
/// about eigenvectors, and by |W v|/|v| for its last column v. For a matrix with at least two rows
/// and columns that is not zero. A relative width of about n U; no factorisation is used and
/// nothing needs a gap. Cost: the eigenpairs of the smaller side, 9 n^3 flops, and three products.
[[nodiscard]] Enclosure rotated_norm(const Matrix& matrix);

}  // namespace lipcert
