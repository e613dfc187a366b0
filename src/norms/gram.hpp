#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <functional>

#include "norms/freivalds.hpp"

namespace lipcert {

/// W' = 2^-exponent times a matrix or its transpose, in slices of rows: what the norm engine works
/// on without ever holding a scaled or transposed copy. Entries of W' must be at most 1 in
/// magnitude (take the exponent from `largest_exponent`).
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
    /// Calls `visit` with each slice of at most blas::kPanelLength rows, in order: as count x size
    /// or, where `columns` is told, as size x count.
    void for_each(const std::function<void(const Matrix& panel, bool columns)>& visit) const;
    /// Bounds |slices - W'|_F: entries that underflow beside a huge one.
    [[nodiscard]] Upper scaling_error() const;

private:
    TallPanels(const Matrix& matrix, long exponent, bool transposed)
        : matrix_(matrix), exponent_(exponent), transposed_(transposed) {}

    const Matrix& matrix_;
    long exponent_;
    bool transposed_;
};

/// The Gram matrix W'^T W' as the BLAS computed it, with everything that is known about it.
struct Gram {
    Matrix lower;                    ///< lower triangle; above it NaN, so that a stray read shows
    Upper error;                     ///< >= |lower - W'^T W'|_2 [S1]
    Enclosure sum_of_squares;        ///< |W'|_F^2
    Upper largest_absolute_row_sum;  ///< >= max_i (|W'|^T |W'| 1)_i >= |W'|_2^2
};

/// Forms the Gram matrix of the smaller side and checks it [S1]. Throws Error{environment} where
/// the BLAS fails the check.
[[nodiscard]] Gram form_gram(const TallPanels& panels);

/// [S1] Bounds |G - W^T W|_2 for the computed Gram matrix G of an `inner` x `size` matrix W with
/// entries at most 1 in magnitude, where `absolute_norm_squared` >= | |W| |_2^2.
[[nodiscard]] Upper gram_error(Eigen::Index inner,
                               Eigen::Index size,
                               const Upper& absolute_norm_squared);

}  // namespace lipcert
