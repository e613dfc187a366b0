#pragma once

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/bound.hpp"

namespace lipcert::capping {

/// 2^-exponent as two doubles, because one need not hold it.
class PowerOfTwo {
public:
    explicit PowerOfTwo(long exponent);

    [[nodiscard]] double first() const { return first_; }

    [[nodiscard]] double second() const { return second_; }

    /// 2^-exponent A, each entry off by at most two underflows.
    template <typename Derived>
    [[nodiscard]] auto times(const Eigen::MatrixBase<Derived>& a) const {
        return second_ * (first_ * a);
    }

private:
    double first_, second_;
};

/// [K1] |A - s B|_F from the sum of the squares of so many differences as they were computed, in
/// units in which the entries of A, B and s B are at most 1. `minuend`: the Frobenius norm of A;
/// without a factor s, and for the norm of a matrix itself, it may be left out.
[[nodiscard]] Enclosure distance_from(const Enclosure& squares,
                                      Eigen::Index entries,
                                      const Upper& minuend = {});

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
