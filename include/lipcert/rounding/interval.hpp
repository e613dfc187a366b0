#pragma once

#include "lipcert/rounding/bound.hpp"

namespace lipcert {

/// A signed real between two finite numbers: the arithmetic of hyper-parameters (scales, epsilons,
/// residual weights), rounded outward. Bounds themselves are `Upper` and `Lower`.
class Interval {
public:
    Interval() = default;  ///< [0, 0]
    [[nodiscard]] static Interval exact(double value);
    [[nodiscard]] static Interval integer(long value);
    /// Of a decimal that was read into the nearest double: holds the decimal *and* the double, so
    /// that the certificate does not depend on which of the two a program computes with.
    [[nodiscard]] static Interval around_decimal(double nearest);
    /// Of two numbers that the caller has rounded outward.
    [[nodiscard]] static Interval between(BigFloat low, BigFloat high);

    [[nodiscard]] const BigFloat& low() const { return low_; }

    [[nodiscard]] const BigFloat& high() const { return high_; }

    [[nodiscard]] bool is_positive() const;      ///< every point is > 0
    [[nodiscard]] bool is_single_point() const;  ///< low = high
    [[nodiscard]] Upper magnitude() const;       ///< >= |x| for every point
    [[nodiscard]] Lower mignitude() const;       ///< <= |x| for every point

    friend Interval operator+(const Interval& a, const Interval& b);
    friend Interval operator-(const Interval& a, const Interval& b);
    friend Interval operator*(const Interval& a, const Interval& b);
    /// Throws Error{architecture} where b contains 0.
    friend Interval operator/(const Interval& a, const Interval& b);
    /// Throws Error{architecture} where a has a negative point.
    friend Interval sqrt(const Interval& a);

private:
    BigFloat low_;
    BigFloat high_;
};

Interval operator+(const Interval& a, const Interval& b);
Interval operator-(const Interval& a, const Interval& b);
Interval operator*(const Interval& a, const Interval& b);
Interval operator/(const Interval& a, const Interval& b);
Interval sqrt(const Interval& a);

/// A double near the middle: the number that programs compute with. Bears no bound.
[[nodiscard]] double middle(const Interval& interval);

}  // namespace lipcert
