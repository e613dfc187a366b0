#pragma once

#include "lipcert/rounding/interval.hpp"

#include <mpfr.h>
#include <utility>

namespace lipcert {

/// A signed real between two binary numbers of 128 bits, for long computations: the ends lie in the
/// object itself, so that sums over thousands of numbers allocate nothing. Where `Interval` is for
/// hyper-parameters and must be finite, ends may be infinite here; a result that is no number at
/// all throws Error{internal}. Every operation rounds outward.
class EnclosedNumber {
public:
    EnclosedNumber() = default;  ///< [0, 0]
    [[nodiscard]] static EnclosedNumber exact(double value);
    [[nodiscard]] static EnclosedNumber quotient(long numerator, long denominator);
    /// Encloses one number of `parameter`, as narrowly as can be: a double where one is inside.
    [[nodiscard]] static EnclosedNumber one_of(const Interval& parameter);
    [[nodiscard]] static EnclosedNumber pi();

    [[nodiscard]] Upper magnitude() const;  ///< >= |x| for every point
    [[nodiscard]] Lower mignitude() const;  ///< <= |x| for every point
    [[nodiscard]] double near() const;      ///< somewhere near; bears no bound
    [[nodiscard]] double width() const;     ///< rounded up

    /// this += factor * other.
    void add_product(double factor, const EnclosedNumber& other);

    friend EnclosedNumber operator+(const EnclosedNumber& a, const EnclosedNumber& b);
    friend EnclosedNumber operator-(const EnclosedNumber& a, const EnclosedNumber& b);
    friend EnclosedNumber operator*(const EnclosedNumber& a, const EnclosedNumber& b);
    /// Throws Error{internal} where b contains 0.
    friend EnclosedNumber operator/(const EnclosedNumber& a, const EnclosedNumber& b);
    /// Of what is known not to be negative.
    friend EnclosedNumber sqrt(const EnclosedNumber& a);
    friend EnclosedNumber exp(const EnclosedNumber& a);
    friend EnclosedNumber log(const EnclosedNumber& a);
    friend EnclosedNumber tanh(const EnclosedNumber& a);
    friend EnclosedNumber erf(const EnclosedNumber& a);
    /// At the lower end, widened by the width: both have slopes of at most 1.
    friend EnclosedNumber cos(const EnclosedNumber& a);
    friend EnclosedNumber sin(const EnclosedNumber& a);
    /// max(x, floor), min(x, ceiling).
    friend EnclosedNumber at_least(const EnclosedNumber& a, double floor);
    friend EnclosedNumber at_most(const EnclosedNumber& a, double ceiling);

private:
    static constexpr mpfr_prec_t kPrecisionBits = 128;

    /// An MPFR number over limbs of its own.
    class End {
    public:
        End();
        End(const End& other) noexcept;

        End(End&& other) noexcept;

        End& operator=(const End& other) noexcept;

        End& operator=(End&& other) noexcept { return *this = std::as_const(other); }

        ~End() = default;

        [[nodiscard]] mpfr_ptr get() { return value_; }

        [[nodiscard]] mpfr_srcptr get() const { return value_; }

    private:
        void take(const End& other) noexcept;

        mp_limb_t limbs_[(kPrecisionBits + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS] = {};
        mpfr_t value_;
    };

    using Function = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);

    static EnclosedNumber of_monotone(Function function, const EnclosedNumber& a);
    static EnclosedNumber of_slope_one(Function function, const EnclosedNumber& a);
    void require_number() const;

    End low_, high_;
};

EnclosedNumber operator+(const EnclosedNumber& a, const EnclosedNumber& b);
EnclosedNumber operator-(const EnclosedNumber& a, const EnclosedNumber& b);
EnclosedNumber operator*(const EnclosedNumber& a, const EnclosedNumber& b);
EnclosedNumber operator/(const EnclosedNumber& a, const EnclosedNumber& b);
EnclosedNumber sqrt(const EnclosedNumber& a);
EnclosedNumber exp(const EnclosedNumber& a);
EnclosedNumber log(const EnclosedNumber& a);
EnclosedNumber tanh(const EnclosedNumber& a);
EnclosedNumber erf(const EnclosedNumber& a);
EnclosedNumber cos(const EnclosedNumber& a);
EnclosedNumber sin(const EnclosedNumber& a);
EnclosedNumber at_least(const EnclosedNumber& a, double floor);
EnclosedNumber at_most(const EnclosedNumber& a, double ceiling);

}  // namespace lipcert
