#include "lipcert/rounding/enclosed_number.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace lipcert {

namespace {

/// Digits that hold 128 bits and more, so that a decimal loses next to nothing.
constexpr int kDigits = 45;

/// A number of MPFR as one of ours, by way of a decimal: any exponent, rounded in the direction.
BigFloat converted(mpfr_srcptr value, Rounding rounding) {
    if (mpfr_number_p(value) == 0) {
        throw Error(ErrorKind::internal, "", "an enclosure is not finite");
    }
    char* text = nullptr;
    const char* format = rounding == Rounding::up ? "%.*RUe" : "%.*RDe";
    if (mpfr_asprintf(&text, format, kDigits, value) < 0) {
        throw Error(ErrorKind::internal, "", "a decimal could not be formatted");
    }
    const std::unique_ptr<char, void (*)(char*)> owned(text, mpfr_free_str);
    return BigFloat::parse(owned.get(), rounding);
}

}  // namespace

EnclosedNumber::End::End() {
    mpfr_custom_init(limbs_, kPrecisionBits);
    mpfr_custom_init_set(value_, MPFR_ZERO_KIND, 0, kPrecisionBits, limbs_);
}

EnclosedNumber::End::End(const End& other) noexcept {
    take(other);
}

EnclosedNumber::End::End(End&& other) noexcept {
    take(other);
}

EnclosedNumber::End& EnclosedNumber::End::operator=(const End& other) noexcept {
    if (this != &other) {
        take(other);
    }
    return *this;
}

void EnclosedNumber::End::take(const End& other) noexcept {
    std::copy(std::begin(other.limbs_), std::end(other.limbs_), std::begin(limbs_));
    value_[0] = other.value_[0];
    mpfr_custom_move(value_, limbs_);
}

void EnclosedNumber::require_number() const {
    if (mpfr_nan_p(low_.get()) != 0 || mpfr_nan_p(high_.get()) != 0) {
        throw Error(ErrorKind::internal, "", "NaN in interval arithmetic");
    }
}

EnclosedNumber EnclosedNumber::exact(double value) {
    EnclosedNumber result;
    mpfr_set_d(result.low_.get(), value, MPFR_RNDD);  // 53 bits fit into 128: exact
    mpfr_set_d(result.high_.get(), value, MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber EnclosedNumber::quotient(long numerator, long denominator) {
    EnclosedNumber result;
    mpfr_set_si(result.low_.get(), numerator, MPFR_RNDD);  // 64 bits fit
    mpfr_set_si(result.high_.get(), numerator, MPFR_RNDU);
    mpfr_div_si(result.low_.get(), result.low_.get(), denominator, MPFR_RNDD);
    mpfr_div_si(result.high_.get(), result.high_.get(), denominator, MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber EnclosedNumber::one_of(const Interval& parameter) {
    const double candidate = middle(parameter);
    const BigFloat point(candidate);
    if (point.compare(parameter.low()) >= 0 && point.compare(parameter.high()) <= 0) {
        return exact(candidate);
    }
    EnclosedNumber result;
    const std::string down = parameter.low().to_decimal(kDigits, Rounding::down);
    const std::string up = parameter.low().to_decimal(kDigits, Rounding::up);
    mpfr_set_str(result.low_.get(), down.c_str(), 10, MPFR_RNDD);
    mpfr_set_str(result.high_.get(), up.c_str(), 10, MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber EnclosedNumber::pi() {
    EnclosedNumber result;
    mpfr_const_pi(result.low_.get(), MPFR_RNDD);
    mpfr_const_pi(result.high_.get(), MPFR_RNDU);
    return result;
}

Upper EnclosedNumber::magnitude() const {
    const BigFloat low = converted(low_.get(), Rounding::down);
    const BigFloat high = converted(high_.get(), Rounding::up);
    return Interval::between(low, high).magnitude();
}

Lower EnclosedNumber::mignitude() const {
    const BigFloat low = converted(low_.get(), Rounding::down);
    const BigFloat high = converted(high_.get(), Rounding::up);
    return Interval::between(low, high).mignitude();
}

double EnclosedNumber::near() const {
    return mpfr_get_d(low_.get(), MPFR_RNDN);
}

double EnclosedNumber::width() const {
    End difference;
    mpfr_sub(difference.get(), high_.get(), low_.get(), MPFR_RNDU);
    return mpfr_get_d(difference.get(), MPFR_RNDU);
}

void EnclosedNumber::add_product(double factor, const EnclosedNumber& other) {
    MPFR_DECL_INIT(product, kPrecisionBits + 64);  // 53 + 128 bits: exact
    const bool reverses = factor < 0.0;
    mpfr_mul_d(product, (reverses ? other.high_ : other.low_).get(), factor, MPFR_RNDD);
    mpfr_add(low_.get(), low_.get(), product, MPFR_RNDD);
    mpfr_mul_d(product, (reverses ? other.low_ : other.high_).get(), factor, MPFR_RNDU);
    mpfr_add(high_.get(), high_.get(), product, MPFR_RNDU);
    require_number();
}

EnclosedNumber operator+(const EnclosedNumber& a, const EnclosedNumber& b) {
    EnclosedNumber result;
    mpfr_add(result.low_.get(), a.low_.get(), b.low_.get(), MPFR_RNDD);
    mpfr_add(result.high_.get(), a.high_.get(), b.high_.get(), MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber operator-(const EnclosedNumber& a, const EnclosedNumber& b) {
    EnclosedNumber result;
    mpfr_sub(result.low_.get(), a.low_.get(), b.high_.get(), MPFR_RNDD);
    mpfr_sub(result.high_.get(), a.high_.get(), b.low_.get(), MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber operator*(const EnclosedNumber& a, const EnclosedNumber& b) {
    EnclosedNumber result;
    EnclosedNumber other;
    const std::pair<mpfr_srcptr, mpfr_srcptr> corners[4] = {{a.low_.get(), b.low_.get()},
                                                            {a.low_.get(), b.high_.get()},
                                                            {a.high_.get(), b.low_.get()},
                                                            {a.high_.get(), b.high_.get()}};
    mpfr_mul(result.low_.get(), corners[0].first, corners[0].second, MPFR_RNDD);
    mpfr_mul(result.high_.get(), corners[0].first, corners[0].second, MPFR_RNDU);
    result.require_number();
    for (int i = 1; i < 4; ++i) {
        mpfr_mul(other.low_.get(), corners[i].first, corners[i].second, MPFR_RNDD);
        mpfr_mul(other.high_.get(), corners[i].first, corners[i].second, MPFR_RNDU);
        other.require_number();  // mpfr_min would hide a NaN
        mpfr_min(result.low_.get(), result.low_.get(), other.low_.get(), MPFR_RNDD);
        mpfr_max(result.high_.get(), result.high_.get(), other.high_.get(), MPFR_RNDU);
    }
    return result;
}

EnclosedNumber operator/(const EnclosedNumber& a, const EnclosedNumber& b) {
    if (mpfr_sgn(b.low_.get()) <= 0 && mpfr_sgn(b.high_.get()) >= 0) {
        throw Error(ErrorKind::internal, "", "an enclosure of a divisor contains zero");
    }
    EnclosedNumber reciprocal;
    mpfr_ui_div(reciprocal.low_.get(), 1, b.high_.get(), MPFR_RNDD);
    mpfr_ui_div(reciprocal.high_.get(), 1, b.low_.get(), MPFR_RNDU);
    reciprocal.require_number();
    return a * reciprocal;
}

EnclosedNumber EnclosedNumber::of_monotone(Function function, const EnclosedNumber& a) {
    EnclosedNumber result;
    function(result.low_.get(), a.low_.get(), MPFR_RNDD);
    function(result.high_.get(), a.high_.get(), MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber EnclosedNumber::of_slope_one(Function function, const EnclosedNumber& a) {
    End width;
    mpfr_sub(width.get(), a.high_.get(), a.low_.get(), MPFR_RNDU);
    EnclosedNumber result;
    function(result.low_.get(), a.low_.get(), MPFR_RNDD);
    function(result.high_.get(), a.low_.get(), MPFR_RNDU);
    mpfr_sub(result.low_.get(), result.low_.get(), width.get(), MPFR_RNDD);
    mpfr_add(result.high_.get(), result.high_.get(), width.get(), MPFR_RNDU);
    result.require_number();
    return result;
}

EnclosedNumber sqrt(const EnclosedNumber& a) {
    return EnclosedNumber::of_monotone(mpfr_sqrt, at_least(a, 0.0));
}

EnclosedNumber exp(const EnclosedNumber& a) {
    return EnclosedNumber::of_monotone(mpfr_exp, a);
}

EnclosedNumber log(const EnclosedNumber& a) {
    return EnclosedNumber::of_monotone(mpfr_log, a);
}

EnclosedNumber tanh(const EnclosedNumber& a) {
    return EnclosedNumber::of_monotone(mpfr_tanh, a);
}

EnclosedNumber erf(const EnclosedNumber& a) {
    return EnclosedNumber::of_monotone(mpfr_erf, a);
}

EnclosedNumber cos(const EnclosedNumber& a) {
    return EnclosedNumber::of_slope_one(mpfr_cos, a);
}

EnclosedNumber sin(const EnclosedNumber& a) {
    return EnclosedNumber::of_slope_one(mpfr_sin, a);
}

EnclosedNumber at_least(const EnclosedNumber& a, double floor) {
    a.require_number();
    EnclosedNumber result = a;
    const EnclosedNumber limit = EnclosedNumber::exact(floor);
    mpfr_max(result.low_.get(), a.low_.get(), limit.low_.get(), MPFR_RNDD);
    mpfr_max(result.high_.get(), a.high_.get(), limit.high_.get(), MPFR_RNDU);
    return result;
}

EnclosedNumber at_most(const EnclosedNumber& a, double ceiling) {
    a.require_number();
    EnclosedNumber result = a;
    const EnclosedNumber limit = EnclosedNumber::exact(ceiling);
    mpfr_min(result.low_.get(), a.low_.get(), limit.low_.get(), MPFR_RNDD);
    mpfr_min(result.high_.get(), a.high_.get(), limit.high_.get(), MPFR_RNDU);
    return result;
}

}  // namespace lipcert
