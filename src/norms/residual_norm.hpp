#pragma once

#include "lipcert/norms/spectral_norm.hpp"

namespace lipcert {

struct ResidualNorm {
    Enclosure spectral;
    Enclosure frobenius;
};

/// [S10] Encloses |W|_2 by a factor L of level I - W^T W that is taken on no trust: L L^T is formed
/// and its distance from that matrix measured; and by the quotient v^T W^T W v/|v|^2 of a vector.
/// |W|_F by a sum of squares. For a matrix with at least two rows and columns that is not zero,
/// `exponent` that of its largest entry. A relative width of about 10^-9 and n U; nothing that is
/// known of Cholesky factorisations is used but to choose the level, and no gap. Cost: two Gram
/// matrices and a factor; where many values lie at the top, a search for the level too.
[[nodiscard]] ResidualNorm residual_norm(const Matrix& matrix, int exponent);

/// [S10] Bounds |A - L L^T|_2 for the lower triangle of any square `factor` L; the matrix A has the
/// diagonal fl(level - g_ii) and the entries -g_ij beside it, g the symmetric matrix with the lower
/// triangle `lower`. +inf where L is not finite or beyond 2^100.
[[nodiscard]] Upper distance_from_square(const Matrix& lower, double level, Matrix factor);

}  // namespace lipcert
