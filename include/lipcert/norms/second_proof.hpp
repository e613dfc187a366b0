#pragma once

#include "lipcert/norms/spectral_norm.hpp"

#include <optional>
#include <string_view>

namespace lipcert {

/// The method that `name_of` gives this name; nothing where none has it.
[[nodiscard]] std::optional<NormMethod> norm_method_named(std::string_view name);

/// What another argument proves about one matrix.
struct SecondProof {
    Enclosure spectral;
    Enclosure frobenius;
    bool is_helped = false;  ///< what `spectral_norm` proves is part of it
};

/// Encloses the norms of `matrix` by another argument than `made_by`, so that a fault in what one
/// of them does with the Gram matrix does not confirm itself:
///   made by deflation: a Gram matrix and a Cholesky factor in float64 [S1] [S3] [S4];
///   made by Cholesky:  the square of a factor, whose distance is measured [S10];
///   anything else:     sums of squares in directed rounding where the matrix has one row or column
///                      (or is zero), else as for Cholesky.
/// Where the other argument proves little (relative width above 2^-26), or not that the norm is at
/// most `goal`, what `spectral_norm` proves is taken into account too. Throws as
/// `spectral_norm`.
[[nodiscard]] SecondProof second_proof(const Matrix& matrix,
                                       NormMethod made_by,
                                       const std::optional<Lower>& goal);

}  // namespace lipcert
