#include "lipcert/rounding/bound.hpp"

#include "lipcert/error.hpp"

#include <utility>

namespace lipcert {

// ---------------------------------------------------------------- Upper

Upper Upper::of(BigFloat rounded_up) {
    if (rounded_up.is_negative()) {
        throw Error(ErrorKind::internal, "", "an upper bound of a magnitude cannot be negative");
    }
    Upper result;
    result.value_ = std::move(rounded_up);
    return result;
}

Upper Upper::exact(double value) {
    return of(BigFloat(value));
}

Upper Upper::of_count(std::size_t count) {
    return of(BigFloat::from_integer(static_cast<long>(count)));
}

Upper Upper::power_of_two(long exponent) {
    return of(BigFloat::power_of_two(exponent));
}

Upper Upper::infinity() {
    return of(BigFloat::infinity());
}

Upper Upper::parse(std::string_view decimal) {
    BigFloat value = BigFloat::parse(decimal, Rounding::up);
    if (value.is_negative()) {
        throw Error(ErrorKind::usage,
                    "",
                    "'" + std::string(decimal) + "' is negative; a magnitude was expected");
    }
    return of(std::move(value));
}

Upper Upper::scaled(long exponent) const {
    return of(value_.scaled(exponent, Rounding::up));
}

double Upper::log10() const {
    return lipcert::log10(value_, Rounding::up).to_double(Rounding::up);
}

std::string Upper::to_decimal(int significant_digits) const {
    return value_.to_decimal(significant_digits, Rounding::up);
}

Upper operator+(const Upper& a, const Upper& b) {
    return Upper::of(add(a.value_, b.value_, Rounding::up));
}

Upper operator*(const Upper& a, const Upper& b) {
    if (a.is_zero() || b.is_zero()) {
        return {};
    }
    return Upper::of(multiply(a.value_, b.value_, Rounding::up));
}

Upper operator/(const Upper& a, const Lower& b) {
    if (b.is_zero()) {
        return Upper::infinity();
    }
    return Upper::of(divide(a.value_, b.value(), Rounding::up));
}

Upper sqrt(const Upper& a) {
    return Upper::of(square_root(a.value_, Rounding::up));
}

Upper square(const Upper& a) {
    return a * a;
}

Upper hypot(const Upper& a, const Upper& b) {
    return sqrt(square(a) + square(b));
}

const Upper& min(const Upper& a, const Upper& b) {
    return b < a ? b : a;
}

const Upper& max(const Upper& a, const Upper& b) {
    return a < b ? b : a;
}

// ---------------------------------------------------------------- Lower

Lower Lower::of(BigFloat rounded_down) {
    if (!rounded_down.is_finite()) {
        throw Error(ErrorKind::internal, "", "a lower bound must be finite");
    }
    Lower result;
    if (!rounded_down.is_negative() && !rounded_down.is_zero()) {  // -0 is stored as 0
        result.value_ = std::move(rounded_down);
    }
    return result;
}

Lower Lower::exact(double value) {
    return of(BigFloat(value));
}

Lower Lower::of_count(std::size_t count) {
    return of(BigFloat::from_integer(static_cast<long>(count)));
}

Lower Lower::parse(std::string_view decimal) {
    return of(BigFloat::parse(decimal, Rounding::down));
}

Lower Lower::scaled(long exponent) const {
    return of(value_.scaled(exponent, Rounding::down));
}

std::string Lower::to_decimal(int significant_digits) const {
    return value_.to_decimal(significant_digits, Rounding::down);
}

Lower operator+(const Lower& a, const Lower& b) {
    return Lower::of(add(a.value_, b.value_, Rounding::down));
}

Lower operator*(const Lower& a, const Lower& b) {
    return Lower::of(multiply(a.value_, b.value_, Rounding::down));
}

Lower operator/(const Lower& a, const Upper& b) {
    if (b.is_zero()) {
        throw Error(ErrorKind::internal, "", "a lower bound was divided by zero");
    }
    return Lower::of(divide(a.value_, b.value(), Rounding::down));
}

Lower operator-(const Lower& a, const Upper& b) {
    if (!b.is_finite()) {
        return {};
    }
    return Lower::of(subtract(a.value_, b.value(), Rounding::down));
}

Lower sqrt(const Lower& a) {
    return Lower::of(square_root(a.value_, Rounding::down));
}

const Lower& max(const Lower& a, const Lower& b) {
    return a < b ? b : a;
}

bool proves_at_most(const Upper& a, const Lower& b) {
    return a.value().compare(b.value()) <= 0;
}

// ---------------------------------------------------------------- Enclosure

Enclosure::Enclosure(Lower lower, Upper upper)
    : lower_(std::move(lower)), upper_(std::move(upper)) {
    if (lower_.value().compare(upper_.value()) > 0) {
        throw Error(ErrorKind::internal,
                    "",
                    "an enclosure came out empty: lower " + lower_.to_decimal(17) + " > upper " +
                        upper_.to_decimal(17));
    }
}

Enclosure Enclosure::exact(double value) {
    return {Lower::exact(value), Upper::exact(value)};
}

Upper Enclosure::relative_width() const {
    if (upper_.is_zero()) {
        return {};
    }
    if (!upper_.is_finite() || lower_.is_zero()) {
        return Upper::infinity();
    }
    return Upper::of(subtract(upper_.value(), lower_.value(), Rounding::up)) / lower_;
}

Enclosure Enclosure::scaled(long exponent) const {
    return {lower_.scaled(exponent), upper_.scaled(exponent)};
}

}  // namespace lipcert
