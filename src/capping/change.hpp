#pragma once

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/bound.hpp"

namespace lipcert::capping {

/// 2^-exponent as two doubles, because one need not hold it.
class PowerOfTwo {
public:
    explicit PowerOfTwo(long exponent);

    /// 2^-exponent A, each entry off by at most two underflows.
    template <typename Derived>
    [[nodiscard]] auto times(const Eigen::MatrixBase<Derived>& a) const {
        return second_ * (first_ * a);
    }

private:
    double first_, second_;
};

/// [K1] What forming differences entry by entry changes a Frobenius norm by, in units in which the
/// operands are at most 2.
[[nodiscard]] Upper rounding_of_distance(Eigen::Index entries);

/// 2^-exponent times a matrix, its entries at most 1 in magnitude; no copy.
struct ScaledView {
    const Matrix& matrix;
    long exponent = 0;

    /// The view with the least exponent.
    [[nodiscard]] static ScaledView of(const Matrix& matrix);
};

/// |A - B|_F [K1].
[[nodiscard]] Enclosure frobenius_distance(const Matrix& a, const Matrix& b);

/// |A - B|_2 from above; cost: one enclosure of a norm.
[[nodiscard]] Upper spectral_distance(const Matrix& a, const Matrix& b);

/// a/b; 0/b is 0.
[[nodiscard]] Enclosure quotient(const Enclosure& a, const Enclosure& b);

}  // namespace lipcert::capping
