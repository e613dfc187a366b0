#include "lipcert/rounding/big_float.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <memory>
#include <utility>

namespace lipcert {

namespace {

mpfr_rnd_t direction(Rounding rounding) {
    return rounding == Rounding::up ? MPFR_RNDU : MPFR_RNDD;
}

}  // namespace

BigFloat::BigFloat() {
    mpfr_init2(value_, kPrecisionBits);
    mpfr_set_zero(value_, 1);
}

BigFloat::BigFloat(double value) : BigFloat() {
    mpfr_set_d(value_, value, MPFR_RNDU);  // 53 bits fit into 128: exact in every direction
    refuse_nan("conversion from double");
}

BigFloat::BigFloat(const BigFloat& other) : BigFloat() {
    mpfr_set(value_, other.value_, MPFR_RNDU);
}

BigFloat::BigFloat(BigFloat&& other) noexcept : BigFloat() {
    mpfr_swap(value_, other.value_);
}

BigFloat& BigFloat::operator=(const BigFloat& other) {
    if (this != &other) {
        mpfr_set(value_, other.value_, MPFR_RNDU);
    }
    return *this;
}

BigFloat& BigFloat::operator=(BigFloat&& other) noexcept {
    mpfr_swap(value_, other.value_);
    return *this;
}

BigFloat::~BigFloat() {
    mpfr_clear(value_);
}

BigFloat BigFloat::power_of_two(long exponent) {
    BigFloat result;
    mpfr_set_ui_2exp(result.value_, 1, exponent, MPFR_RNDU);
    return result;
}

BigFloat BigFloat::from_integer(long value) {
    BigFloat result;
    mpfr_set_si(result.value_, value, MPFR_RNDU);
    return result;
}

BigFloat BigFloat::infinity() {
    BigFloat result;
    mpfr_set_inf(result.value_, 1);
    return result;
}

BigFloat BigFloat::parse(std::string_view text, Rounding rounding) {
    // mpfr_strtofr also takes "inf", "nan", hexadecimal and leading blanks: allow digits only.
    const bool plain = !text.empty() && text.find_first_not_of("0123456789+-.eE") == text.npos;
    BigFloat result;
    const std::string terminated(text);
    char* end = nullptr;
    if (plain) {
        mpfr_strtofr(result.value_, terminated.c_str(), &end, 10, direction(rounding));
    }
    if (!plain || end != terminated.c_str() + terminated.size() || end == terminated.c_str()) {
        throw Error(ErrorKind::usage,
                    "",
                    "'" + terminated + "' is not a number; write it as 12.5 or 1e264");
    }
    return result;
}

bool BigFloat::is_zero() const {
    return mpfr_zero_p(value_) != 0;
}

bool BigFloat::is_negative() const {
    return mpfr_sgn(value_) < 0;
}

bool BigFloat::is_finite() const {
    return mpfr_number_p(value_) != 0;
}

int BigFloat::compare(const BigFloat& other) const {
    return mpfr_cmp(value_, other.value_);
}

BigFloat BigFloat::negated() const {
    BigFloat result;
    mpfr_neg(result.value_, value_, MPFR_RNDU);
    return result;
}

BigFloat BigFloat::scaled(long exponent, Rounding rounding) const {
    BigFloat result;
    mpfr_mul_2si(result.value_, value_, exponent, direction(rounding));
    return result;
}

double BigFloat::to_double(Rounding rounding) const {
    return mpfr_get_d(value_, direction(rounding));
}

std::string BigFloat::to_decimal(int significant_digits, Rounding rounding) const {
    if (!is_finite()) {
        return is_negative() ? "-inf" : "inf";
    }
    char* text = nullptr;
    const char* format = rounding == Rounding::up ? "%.*RUe" : "%.*RDe";
    if (mpfr_asprintf(&text, format, significant_digits - 1, value_) < 0) {
        throw Error(ErrorKind::internal, "", "a decimal could not be formatted");
    }
    const std::unique_ptr<char, void (*)(char*)> owned(text, mpfr_free_str);
    return owned.get();
}

void BigFloat::refuse_nan(const char* operation) const {
    if (mpfr_nan_p(value_) != 0) {
        throw Error(
            ErrorKind::internal, "", std::string("NaN from ") + operation + " in bound arithmetic");
    }
}

BigFloat add(const BigFloat& a, const BigFloat& b, Rounding rounding) {
    BigFloat result;
    mpfr_add(result.value_, a.value_, b.value_, direction(rounding));
    result.refuse_nan("addition");
    return result;
}

BigFloat subtract(const BigFloat& a, const BigFloat& b, Rounding rounding) {
    BigFloat result;
    mpfr_sub(result.value_, a.value_, b.value_, direction(rounding));
    result.refuse_nan("subtraction");
    return result;
}

BigFloat multiply(const BigFloat& a, const BigFloat& b, Rounding rounding) {
    BigFloat result;
    mpfr_mul(result.value_, a.value_, b.value_, direction(rounding));
    result.refuse_nan("multiplication");
    return result;
}

BigFloat divide(const BigFloat& a, const BigFloat& b, Rounding rounding) {
    BigFloat result;
    mpfr_div(result.value_, a.value_, b.value_, direction(rounding));
    result.refuse_nan("division");
    return result;
}

BigFloat square_root(const BigFloat& a, Rounding rounding) {
    BigFloat result;
    mpfr_sqrt(result.value_, a.value_, direction(rounding));
    result.refuse_nan("square root");
    return result;
}

BigFloat log10(const BigFloat& a, Rounding rounding) {
    BigFloat result;
    mpfr_log10(result.value_, a.value_, direction(rounding));
    result.refuse_nan("logarithm");
    return result;
}

}  // namespace lipcert
