#pragma once

#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <optional>

namespace lipcert {

/// The two ways to a certificate of a matrix with at least two rows and columns that is not zero,
/// `exponent` that of its largest entry. Each is valid for every such matrix; tests hold one
/// against the other.

/// One Gram matrix and one factorisation in float64: needs no gap of the spectrum [S1] [S3] [S4].
/// `start`: a guess at the top singular vector of the smaller side.
[[nodiscard]] SpectralNorm norm_by_factorisation(const Matrix& matrix,
                                                 int exponent,
                                                 const std::optional<Vector>& start);

/// Deflation in float32 where the spectrum has a gap [S7] [S8] [S9], else as above.
[[nodiscard]] SpectralNorm norm_by_deflation(const Matrix& matrix, int exponent);

}  // namespace lipcert
