#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <functional>

#include "norms/float_matrix.hpp"
#include "norms/gram_panel.hpp"

namespace lipcert {

/// W' = 2^-exponent times a matrix or its transpose, whichever has fewer columns than rows, without
/// a copy: products are formed with the stored numbers and scaled afterwards. The largest entry of
/// W' is at least 1/2 and at most kLargestEntry in magnitude, and |exponent| <= kLargestExponent,
/// so that a power of two loses nothing but what `kUnderflow` covers.
class SmallerSide {
public:
    /// A matrix whose exponent is larger has to be scaled first.
    static constexpr int kLargestExponent = 100;
    /// More than 1, so that the exponent may be that of some of the rows.
    static constexpr double kLargestEntry = 0x1p21;
    /// Bounds what underflow changes in one entry of a product of at most 2^40 terms that is formed
    /// from the stored numbers and scaled afterwards (docs/theorems-norms.md, Stored units).
    static constexpr double kUnderflow = 0x1p-600;

    SmallerSide(const Matrix& stored, int exponent);

    [[nodiscard]] Eigen::Index size() const { return size_; }  ///< columns of W'

    [[nodiscard]] Eigen::Index inner() const { return inner_; }  ///< rows of W'

    [[nodiscard]] int exponent() const { return exponent_; }

    /// `count` rows of W' that lie apart, as far as the layout has them without a copy: for
    /// estimates.
    [[nodiscard]] SmallerSide sample(Eigen::Index count) const;

    /// All rows of W' in float32, some at a time.
    void for_each_panel(const std::function<void(const GramPanel&)>& visit) const;

    /// fl(W' V), summed in panels of the inner dimension.
    [[nodiscard]] Matrix image(const Matrix& vectors) const;

    /// Y = fl(W' V) as above, and Z = fl(W'^T Y), summed in some order that depends on the shape
    /// alone. The stored numbers are read once.
    struct ImagePair {
        Matrix y, z;
    };

    [[nodiscard]] ImagePair images(const Matrix& vectors) const;

private:
    SmallerSide(const MatrixView& stored, int exponent, bool transposed);
    /// Rows of W', as they are stored.
    [[nodiscard]] MatrixView rows(Eigen::Index begin, Eigen::Index count) const;
    /// Rows of fl(W' V).
    [[nodiscard]] Matrix image_of_rows(Eigen::Index begin,
                                       Eigen::Index count,
                                       const Matrix& vectors) const;

    MatrixView stored_;
    bool transposed_;
    int exponent_;
    Eigen::Index size_;
    Eigen::Index inner_;
};

}  // namespace lipcert
