#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <optional>

#include "norms/gram_spectrum.hpp"

namespace lipcert::capping {

/// Some singular values of a matrix, ascending, with the right singular vector of each as a row.
/// Guesses: what is built from them is certified afterwards.
struct SingularVectors {
    Vector values;
    Matrix vectors;
    bool is_complete = true;  ///< false where some may have been missed
    /// More singular values lie above or closely below the limit than it takes to enclose a norm by
    /// deflation.
    bool is_crowded = true;
};

/// What is wanted.
struct Wanted {
    double above = 0.0;      ///< singular values above this
    double tolerance = 0.0;  ///< relative, of the squares near `above`
};

/// Up to this size a full decomposition takes milliseconds.
inline constexpr Eigen::Index kSmall = 192;

/// Of a matrix with at least as many rows as columns and entries at most 1, for `above` at least
/// 2^-8 of the norm: from its Gram matrix, by subspace iteration where there is a `gram` to begin
/// with and it is worth it.
[[nodiscard]] SingularVectors singular_vectors_above(const Matrix& tall,
                                                     std::optional<estimate::GramSpectrum> gram,
                                                     const Wanted& wanted);

/// Every one from a full decomposition; as above.
[[nodiscard]] SingularVectors all_singular_vectors_above(const Matrix& tall, double above);

/// A complete orthonormal set of right singular vectors. Singular values down to `resolved` are
/// resolved to about 2^-50 |A|_2: the Gram matrix shows the upper seven binary orders of magnitude,
/// the image of the rest is decomposed again.
[[nodiscard]] SingularVectors graded_singular_vectors(const Matrix& tall, double resolved);

/// The right singular vector of the largest singular value, as a row.
[[nodiscard]] Matrix top_singular_vector(const Matrix& tall);

}  // namespace lipcert::capping
