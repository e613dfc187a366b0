#pragma once

#include "lipcert/rounding/big_float.hpp"
#include "lipcert/rounding/strict_math.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace lipcert {

class Lower;

/// An upper bound of a non-negative real: a value in [0, +inf], where +inf means "no bound".
/// Every operation rounds up. There is no subtraction, and division only by a `Lower`; NaN and
/// negative numbers cannot be built (Error{internal}).
///
/// 0 * inf = 0: a quantity that is exactly zero times an unknown finite one is zero.
class Upper {
public:
    Upper() = default;  ///< 0

    [[nodiscard]] static Upper exact(double value);
    [[nodiscard]] static Upper of_count(std::size_t count);
    [[nodiscard]] static Upper power_of_two(long exponent);
    [[nodiscard]] static Upper infinity();
    /// A decimal, rounded up.
    [[nodiscard]] static Upper parse(std::string_view decimal);
    /// Of a number that the caller has already rounded up.
    [[nodiscard]] static Upper of(BigFloat rounded_up);

    [[nodiscard]] bool is_zero() const { return value_.is_zero(); }

    [[nodiscard]] bool is_finite() const { return value_.is_finite(); }

    [[nodiscard]] const BigFloat& value() const { return value_; }

    [[nodiscard]] Upper scaled(long exponent) const;  ///< times 2^exponent

    [[nodiscard]] double to_double() const { return value_.to_double(Rounding::up); }

    /// Of zero: -infinity.
    [[nodiscard]] double log10() const;
    [[nodiscard]] std::string to_decimal(int significant_digits) const;

    friend Upper operator+(const Upper& a, const Upper& b);
    friend Upper operator*(const Upper& a, const Upper& b);
    friend Upper operator/(const Upper& a, const Lower& b);  ///< x/0 = +inf, 0/0 = +inf
    friend Upper sqrt(const Upper& a);

    friend bool operator==(const Upper& a, const Upper& b) {
        return a.value_.compare(b.value_) == 0;
    }

    friend std::strong_ordering operator<=>(const Upper& a, const Upper& b) {
        return a.value_.compare(b.value_) <=> 0;
    }

    Upper& operator+=(const Upper& other) { return *this = *this + other; }

    Upper& operator*=(const Upper& other) { return *this = *this * other; }

private:
    BigFloat value_;
};

Upper operator+(const Upper& a, const Upper& b);
Upper operator*(const Upper& a, const Upper& b);
Upper operator/(const Upper& a, const Lower& b);
Upper sqrt(const Upper& a);
[[nodiscard]] Upper square(const Upper& a);
/// sqrt(a^2 + b^2).
[[nodiscard]] Upper hypot(const Upper& a, const Upper& b);
/// The smaller of two valid bounds of the same quantity; both are valid, so it is.
[[nodiscard]] const Upper& min(const Upper& a, const Upper& b);
[[nodiscard]] const Upper& max(const Upper& a, const Upper& b);

/// A lower bound of a non-negative real: a finite value in [0, inf). Every operation rounds down.
class Lower {
public:
    Lower() = default;  ///< 0

    [[nodiscard]] static Lower exact(double value);
    [[nodiscard]] static Lower of_count(std::size_t count);
    [[nodiscard]] static Lower parse(std::string_view decimal);
    /// Of a number that the caller has already rounded down; negative ones become 0.
    [[nodiscard]] static Lower of(BigFloat rounded_down);

    [[nodiscard]] bool is_zero() const { return value_.is_zero(); }

    [[nodiscard]] const BigFloat& value() const { return value_; }

    [[nodiscard]] Lower scaled(long exponent) const;

    [[nodiscard]] double to_double() const { return value_.to_double(Rounding::down); }

    [[nodiscard]] std::string to_decimal(int significant_digits) const;

    friend Lower operator+(const Lower& a, const Lower& b);
    friend Lower operator*(const Lower& a, const Lower& b);
    friend Lower operator/(const Lower& a, const Upper& b);  ///< b must not be 0
    /// max(0, a - b): what is left for certain.
    friend Lower operator-(const Lower& a, const Upper& b);
    friend Lower sqrt(const Lower& a);

    friend bool operator==(const Lower& a, const Lower& b) {
        return a.value_.compare(b.value_) == 0;
    }

    friend std::strong_ordering operator<=>(const Lower& a, const Lower& b) {
        return a.value_.compare(b.value_) <=> 0;
    }

private:
    BigFloat value_;
};

Lower operator+(const Lower& a, const Lower& b);
Lower operator*(const Lower& a, const Lower& b);
Lower operator/(const Lower& a, const Upper& b);
Lower operator-(const Lower& a, const Upper& b);
Lower sqrt(const Lower& a);
[[nodiscard]] const Lower& max(const Lower& a, const Lower& b);

/// True proves "the quantity bounded by `a` is at most the quantity bounded by `b`".
[[nodiscard]] bool proves_at_most(const Upper& a, const Lower& b);

/// A non-negative real between two bounds.
class Enclosure {
public:
    Enclosure() = default;  ///< [0, 0]
    /// Throws Error{internal} where lower > upper: then one of the two is false.
    Enclosure(Lower lower, Upper upper);
    [[nodiscard]] static Enclosure exact(double value);

    [[nodiscard]] const Lower& lower() const { return lower_; }

    [[nodiscard]] const Upper& upper() const { return upper_; }

    /// (upper - lower)/lower; 0 for [0, 0], +inf where lower is 0 and upper is not.
    [[nodiscard]] Upper relative_width() const;
    [[nodiscard]] Enclosure scaled(long exponent) const;

private:
    Lower lower_;
    Upper upper_;
};

}  // namespace lipcert
