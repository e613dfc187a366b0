#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <functional>
#include <optional>

#include "norms/float_matrix.hpp"

namespace lipcert {

/// W' = 2^-exponent times a matrix or its transpose, in slices of rows: what the norm engine works
/// on. The slices show the stored numbers, and what is computed from them is scaled afterwards;
/// only where that could leave the range of doubles a scaled copy is made. Entries of W' must be at
/// most 1 in magnitude (take the exponent from `largest_exponent`).
class TallPanels {
public:
    /// The columns of W' are the smaller side of `matrix`.
    [[nodiscard]] static TallPanels of_smaller_side(const Matrix& matrix, long exponent);
    /// The columns of W' are those of `matrix`.
    [[nodiscard]] static TallPanels of_columns(const Matrix& matrix, long exponent);
    /// The columns of W' are the rows of `matrix`.
    [[nodiscard]] static TallPanels of_rows(const Matrix& matrix, long exponent);

    [[nodiscard]] Eigen::Index size() const;   ///< columns of W'
    [[nodiscard]] Eigen::Index inner() const;  ///< rows of W'

    /// The slices are 2^unit() W'; |unit()| <= SmallerSide::kLargestExponent.
    [[nodiscard]] int unit() const { return unit_; }

    /// Calls `visit` with each slice of at most blas::kGramLength rows, in order: as count x size
    /// or, where `columns` is told, as size x count.
    void for_each(const std::function<void(const MatrixView& panel, bool columns)>& visit) const;
    /// Bounds |slices - 2^unit() W'|_F, in units of 2^unit(): entries that underflow beside a huge
    /// one.
    [[nodiscard]] Upper scaling_error() const;

private:
    TallPanels(const Matrix& matrix, long exponent, bool transposed);

    const Matrix& stored_;
    std::optional<Matrix> scaled_;  ///< in place of the stored one
    int unit_ = 0;
    bool transposed_;
};

/// A Gram matrix V^T V as it was computed, with everything that is known about it. V is W', or W'
/// in fixed point [S12].
struct Gram {
    Matrix lower;                    ///< lower triangle; above it NaN, so that a stray read shows
    Upper error;                     ///< >= |lower - V^T V|_2 [S1]
    Upper frobenius_error;           ///< the same in the Frobenius norm
    Upper rest;                      ///< >= |W' - V|_F
    Enclosure sum_of_squares;        ///< |W'|_F^2
    Upper largest_absolute_row_sum;  ///< >= max_i (|W'|^T |W'| 1)_i >= |W'|_2^2
};

/// Forms the Gram matrix W'^T W' by the BLAS and checks it [S1]. Throws Error{environment} where
/// the BLAS fails the check.
[[nodiscard]] Gram form_gram(const TallPanels& panels);

/// [S1] Bounds |G - W^T W|_2 (in the Frobenius norm) for the computed Gram matrix G of an `inner` x
/// `size` matrix W with entries at most 1 in magnitude, where `absolute_norm_squared` >= | |W|
/// |_2^2
/// (>= |W|_F^2).
[[nodiscard]] Upper gram_error(Eigen::Index inner,
                               Eigen::Index size,
                               const Upper& absolute_norm_squared);

}  // namespace lipcert
