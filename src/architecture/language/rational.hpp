#pragma once

#include <optional>

namespace lipcert::language {

/// An exact fraction of two 64-bit integers: the arithmetic of sizes and counts, in which
/// "width / heads" is a whole number or an error, never a rounded one. Every operation throws
/// Error{architecture} on overflow and on division by zero.
class Rational {
public:
    Rational() = default;

    explicit Rational(long whole) : numerator_(whole) {}

    /// Nothing where the fraction is not whole.
    [[nodiscard]] std::optional<long> whole() const;

    friend Rational operator+(const Rational& a, const Rational& b);
    friend Rational operator-(const Rational& a, const Rational& b);
    friend Rational operator*(const Rational& a, const Rational& b);
    friend Rational operator/(const Rational& a, const Rational& b);

private:
    Rational(long numerator, long denominator);

    long numerator_ = 0;
    long denominator_ = 1;  ///< positive, without a common factor
};

Rational operator+(const Rational& a, const Rational& b);
Rational operator-(const Rational& a, const Rational& b);
Rational operator*(const Rational& a, const Rational& b);
Rational operator/(const Rational& a, const Rational& b);

/// A size is never a root: always throws Error{architecture}.
[[noreturn]] Rational sqrt(const Rational& a);

}  // namespace lipcert::language
