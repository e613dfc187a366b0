#pragma once

#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <functional>
#include <optional>

#include "norms/gram.hpp"

namespace lipcert {

/// The ways to a certificate of a matrix with at least two rows and columns that is not zero,
/// `exponent` that of its largest entry. Each is valid for every such matrix; tests hold one
/// against the other.

/// One Gram matrix and one factorisation in float64: needs no gap of the spectrum [S1] [S3] [S4].
/// `start`: a guess at the top singular vector of the smaller side.
[[nodiscard]] SpectralNorm norm_by_factorisation(const Matrix& matrix,
                                                 int exponent,
                                                 const std::optional<Vector>& start);

/// Deflation in float32 where the spectrum has a gap [S7] [S8] [S9], else as above. `exponent` may
/// be that of some other entry, too, where it is at most SmallerSide::kLargestExponent in
/// magnitude.
[[nodiscard]] SpectralNorm norm_by_deflation(const Matrix& matrix, int exponent);

/// A level that somebody expects a norm to be below, and about where. Errors of a third of what
/// lies between them are thought to do no harm.
struct LevelGuess {
    double level;
    double expected;
};

/// One factorisation at a level, in float32 where the room between level and guess allows, of a
/// Gram matrix of integers where there is room for its errors, and the direction of the smaller
/// side that shows the norm [S1] [S3] [S4] [S8] [S12]: an upper end of at most `level`, or nothing.
/// The search for the least level that a factorisation proves is what it saves. `look_at` is shown
/// the Gram matrix of the smaller side of 2^-exponent times the matrix.
[[nodiscard]] std::optional<SpectralNorm> norm_at_level(
    const Matrix& matrix,
    int exponent,
    const LevelGuess& guess,
    const Vector& direction,
    const std::function<void(const Gram&)>& look_at = {});

}  // namespace lipcert
