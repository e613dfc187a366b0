#pragma once

#include "lipcert/norms/spectral_norm.hpp"

namespace lipcert {

/// [S10] Encloses |W|_2 by a factor L of level I - W^T W that is taken on no trust: L L^T is formed
/// and its distance from that matrix measured; and by the quotient v^T W^T W v/|v|^2 of a vector.
/// |W|_F by a sum of squares. For a matrix with at least two rows and columns that is not zero,
/// `exponent` that of its largest entry. A relative width of about 10^-9 and n U; nothing that is
/// known of Cholesky factorisations is used, and no gap. Cost: two Gram matrices and a factor.
struct ResidualNorm {
    Enclosure spectral;
    Enclosure frobenius;
};

[[nodiscard]] ResidualNorm residual_norm(const Matrix& matrix, int exponent);

}  // namespace lipcert
