#pragma once

#include "lipcert/rounding/bound.hpp"

#include "norms/float_matrix.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

/// What a matrix Q near W' lacks of it: W' - Q. None where Q = W'.
struct LostPart {
    Upper norm;         ///< >= |W' - Q|_F
    Vector of_columns;  ///< at least the norms of its columns; empty where Q = W'

    /// From computed sums of the squares of each column's entries, `inner` of them in `panels`
    /// sums of at most 1024, each sum off by an underflow of at most 1024 * 2^-400 [S11].
    [[nodiscard]] static LostPart of_squares(const Vector& squares,
                                             Eigen::Index inner,
                                             std::size_t panels);
};

/// The Gram matrix Q^T Q of Q = W' or of a matrix near it, stored in float32: a fraction of the
/// price of float64, and enough wherever a certificate only has to keep the bulk of a spectrum
/// below its top.
struct CrudeGram {
    FloatMatrix lower;         ///< lower triangle; NaN above it
    Upper error;               ///< >= |lower - Q^T Q|_2 [S7] [S11]
    Upper frobenius;           ///< >= |lower|_F, the lower triangle mirrored
    Enclosure sum_of_squares;  ///< |W'|_F^2
    LostPart lost;             ///< W' - Q
};

/// In exact integers where the processor has a unit for them [S11], else in float32 [S7].
[[nodiscard]] CrudeGram form_crude_gram(const SmallerSide& side);

/// [S7] Q = W'.
[[nodiscard]] CrudeGram form_float_gram(const SmallerSide& side);

/// |W'|_F^2 of one panel of stored numbers.
[[nodiscard]] Enclosure squares_of_panel(const MatrixView& stored, int exponent);

/// [S7] 16 k n 2^-126, k the inner dimension: what underflow changes in the Frobenius norm.
[[nodiscard]] Upper crude_underflow(Eigen::Index inner, Eigen::Index size);

/// [S7] Bounds |F - W'^T W'|_2 for the float32 Gram matrix F of an `inner` x `size` matrix with
/// entries at most 1 in magnitude, `squares` >= |W'|_F^2.
[[nodiscard]] Upper crude_gram_error(Eigen::Index inner, Eigen::Index size, const Upper& squares);

/// Throws Error{environment} unless F x is, within what [S7] and [S11] allow, `expected`, which was
/// computed in float64 as W'^T (W' x) for a vector x of +-1.
void require_crude_gram(const CrudeGram& gram,
                        const SmallerSide& side,
                        const Vector& signs,
                        const Vector& expected);

/// Bounds the largest eigenvalue of a symmetric float32 matrix (lower triangle) by a factorisation
/// in float32 at `level`; +inf where it breaks off [S8]. The matrix is overwritten.
[[nodiscard]] Upper certify_crude_level(FloatMatrix& lower, float level);

/// |A|_F of a symmetric float32 matrix (lower triangle), which is at least its spectral norm.
[[nodiscard]] Upper frobenius_of_symmetric(const FloatMatrix& lower);

}  // namespace lipcert
