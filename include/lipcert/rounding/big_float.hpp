#pragma once

#include <mpfr.h>
#include <string>
#include <string_view>

namespace lipcert {

/// The direction in which a result is rounded; there is no "nearest" in code that carries a bound.
enum class Rounding { down, up };

/// A binary floating-point number with 128 bits of mantissa and an exponent range in which
/// 10^(300 million) is an ordinary value. Never NaN: an operation whose result would be NaN throws
/// Error{internal}. Every operation names its rounding direction; overflow rounds to infinity
/// (up) or to the largest finite number (down), as MPFR does.
///
/// This is the only place, with its neighbours in rounding/, that knows MPFR.
class BigFloat {
public:
    static constexpr mpfr_prec_t kPrecisionBits = 128;

    BigFloat();
    explicit BigFloat(double value);  ///< exact; throws on NaN
    BigFloat(const BigFloat& other);
    BigFloat(BigFloat&& other) noexcept;
    BigFloat& operator=(const BigFloat& other);
    BigFloat& operator=(BigFloat&& other) noexcept;
    ~BigFloat();

    /// 2^exponent, exact.
    [[nodiscard]] static BigFloat power_of_two(long exponent);
    /// `value` exactly (128 bits hold every 64-bit integer).
    [[nodiscard]] static BigFloat from_integer(long value);
    [[nodiscard]] static BigFloat infinity();
    /// Reads a whole decimal or scientific number ("1e264", "inf" is refused).
    /// Throws Error{usage} where the text is not one.
    [[nodiscard]] static BigFloat parse(std::string_view text, Rounding rounding);

    [[nodiscard]] bool is_zero() const;
    [[nodiscard]] bool is_negative() const;  ///< strictly below zero
    [[nodiscard]] bool is_finite() const;
    /// <0, 0, >0 as this is below, equal to, above `other`.
    [[nodiscard]] int compare(const BigFloat& other) const;

    [[nodiscard]] BigFloat negated() const;
    /// value * 2^exponent, exact barring overflow or underflow, which round in the stated
    /// direction.
    [[nodiscard]] BigFloat scaled(long exponent, Rounding rounding) const;
    [[nodiscard]] double to_double(Rounding rounding) const;
    /// Scientific decimal with `significant_digits`, rounded in the stated direction.
    [[nodiscard]] std::string to_decimal(int significant_digits, Rounding rounding) const;

    friend BigFloat add(const BigFloat& a, const BigFloat& b, Rounding rounding);
    friend BigFloat subtract(const BigFloat& a, const BigFloat& b, Rounding rounding);
    friend BigFloat multiply(const BigFloat& a, const BigFloat& b, Rounding rounding);
    friend BigFloat divide(const BigFloat& a, const BigFloat& b, Rounding rounding);
    friend BigFloat square_root(const BigFloat& a, Rounding rounding);
    friend BigFloat log10(const BigFloat& a, Rounding rounding);

private:
    void refuse_nan(const char* operation) const;

    mpfr_t value_;
};

BigFloat add(const BigFloat& a, const BigFloat& b, Rounding rounding);
BigFloat subtract(const BigFloat& a, const BigFloat& b, Rounding rounding);
BigFloat multiply(const BigFloat& a, const BigFloat& b, Rounding rounding);
BigFloat divide(const BigFloat& a, const BigFloat& b, Rounding rounding);
BigFloat square_root(const BigFloat& a, Rounding rounding);
BigFloat log10(const BigFloat& a, Rounding rounding);

}  // namespace lipcert
