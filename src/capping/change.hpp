#pragma once

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/bound.hpp"

namespace lipcert::capping {

/// 2^-exponent times a matrix, its entries at most 1 in magnitude; no copy.
struct ScaledView {
    const Matrix& matrix;
    long exponent = 0;

    /// The view with the least exponent.
    [[nodiscard]] static ScaledView of(const Matrix& matrix);
};

/// |A - s B|_F for an exact double s with entries of s B up to 2 [K1]. One pass, no copy.
[[nodiscard]] Enclosure frobenius_distance(const ScaledView& a, double factor, const ScaledView& b);

/// |A - B|_F.
[[nodiscard]] Enclosure frobenius_distance(const Matrix& a, const Matrix& b);

/// |A|_F.
[[nodiscard]] Enclosure frobenius_norm(const ScaledView& a);

/// |A - B|_2 from above; cost: one enclosure of a norm.
[[nodiscard]] Upper spectral_distance(const Matrix& a, const Matrix& b);

/// a/b; 0/b is 0.
[[nodiscard]] Enclosure quotient(const Enclosure& a, const Enclosure& b);

}  // namespace lipcert::capping
