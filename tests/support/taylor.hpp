#pragma once

#include "lipcert/architecture/activation.hpp"
#include "lipcert/rounding/big_float.hpp"

#include <mpfr.h>
#include <string>

namespace lipcert::test {

/// A 256-bit number for oracles: rounding errors are far below anything a test compares.
class Real {
public:
    Real() { mpfr_init2(value_, kBits), mpfr_set_zero(value_, 1); }

    explicit Real(double value) : Real() { mpfr_set_d(value_, value, MPFR_RNDN); }

    Real(const Real& other) : Real() { mpfr_set(value_, other.value_, MPFR_RNDN); }

    Real(Real&& other) noexcept : Real() { mpfr_swap(value_, other.value_); }

    Real& operator=(const Real& other) {
        mpfr_set(value_, other.value_, MPFR_RNDN);
        return *this;
    }

    Real& operator=(Real&& other) noexcept {
        mpfr_swap(value_, other.value_);
        return *this;
    }

    ~Real() { mpfr_clear(value_); }

    [[nodiscard]] static Real parse(const std::string& decimal) {
        Real result;
        mpfr_set_str(result.value_, decimal.c_str(), 10, MPFR_RNDN);
        return result;
    }

    /// Through 40 decimals, rounded down: never above a bound that was rounded up.
    [[nodiscard]] static Real of(const BigFloat& value) {
        return parse(value.to_decimal(40, Rounding::down));
    }

    [[nodiscard]] double to_double() const { return mpfr_get_d(value_, MPFR_RNDN); }

    /// `operation` is one of MPFR's functions of one argument.
    template <class Operation>
    [[nodiscard]] Real through(Operation operation) const {
        Real result;
        operation(result.value_, value_, MPFR_RNDN);
        return result;
    }

    template <class Operation>
    [[nodiscard]] Real with(const Real& other, Operation operation) const {
        Real result;
        operation(result.value_, value_, other.value_, MPFR_RNDN);
        return result;
    }

    friend bool operator<=(const Real& a, const Real& b) {
        return mpfr_lessequal_p(a.value_, b.value_) != 0;
    }

    friend bool operator>(const Real& a, const Real& b) {
        return mpfr_greater_p(a.value_, b.value_) != 0;
    }

private:
    static constexpr mpfr_prec_t kBits = 256;

    mpfr_t value_;
};

inline Real operator+(const Real& a, const Real& b) {
    return a.with(b, mpfr_add);
}

inline Real operator-(const Real& a, const Real& b) {
    return a.with(b, mpfr_sub);
}

inline Real operator*(const Real& a, const Real& b) {
    return a.with(b, mpfr_mul);
}

inline Real operator/(const Real& a, const Real& b) {
    return a.with(b, mpfr_div);
}

inline Real abs(const Real& a) {
    return a.through(
        [](mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_abs(r, x, mode); });
}

/// A function at a point with its first three derivatives.
struct Taylor {
    Real value, first, second, third;
};

/// `activation` at t, its derivatives included (one-sided at a kink).
[[nodiscard]] Taylor evaluate(Activation activation, double t);

}  // namespace lipcert::test
