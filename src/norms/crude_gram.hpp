#pragma once

#include "lipcert/rounding/bound.hpp"

#include <optional>

#include "norms/float_matrix.hpp"
#include "norms/gram.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

/// The Gram matrix W'^T W' in float32: half the price of float64, and enough wherever a certificate
/// only has to keep the bulk of a spectrum below its top.
struct CrudeGram {
    FloatMatrix lower;         ///< lower triangle; NaN above it
    Upper error;               ///< >= |lower - W'^T W'|_F [S7]
    Upper frobenius;           ///< >= |lower|_F, the lower triangle mirrored
    Enclosure sum_of_squares;  ///< |W'|_F^2
};

/// Nothing where an entry turns out to be larger than SmallerSide::kLargestEntry, or not finite:
/// the exponent of the side may be a guess.
[[nodiscard]] std::optional<CrudeGram> form_crude_gram(const SmallerSide& side);

/// A Gram matrix as it was computed in float64, rounded to float32; `error` is of what it was
/// computed of, V^T V.
[[nodiscard]] CrudeGram rounded_to_float32(const Gram& gram);

/// [S7] Bounds |F - W'^T W'|_2 for the float32 Gram matrix F of an `inner` x `size` matrix with
/// entries at most SmallerSide::kLargestEntry in magnitude, `squares` >= |W'|_F^2.
[[nodiscard]] Upper crude_gram_error(Eigen::Index inner, Eigen::Index size, const Upper& squares);

/// Whether its error is so small that deflation is worth an attempt whatever the spectrum, for it
/// sees the gaps of a random one. A guess.
[[nodiscard]] bool sees_small_gaps(const SmallerSide& side);

/// Throws Error{environment} unless F x is, within the rounding that [S7] allows, `expected`, which
/// was computed in float64 as W'^T (W' x) for a vector x of +-1.
void require_crude_gram(const CrudeGram& gram,
                        const SmallerSide& side,
                        const Vector& signs,
                        const Vector& expected);

/// Bounds the largest eigenvalue of a symmetric float32 matrix (lower triangle) by a factorisation
/// in float32 at `level` > 0; +inf where it breaks off [S8]. The matrix is overwritten.
[[nodiscard]] Upper certify_crude_level(FloatMatrix& lower, float level);

/// |A|_F of a symmetric float32 matrix (lower triangle), which is at least its spectral norm.
[[nodiscard]] Upper frobenius_of_symmetric(const FloatMatrix& lower);

}  // namespace lipcert
