#include "lipcert/rounding/interval.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace lipcert {

namespace {

const BigFloat& smaller(const BigFloat& a, const BigFloat& b) {
    return b.compare(a) < 0 ? b : a;
}

const BigFloat& larger(const BigFloat& a, const BigFloat& b) {
    return a.compare(b) < 0 ? b : a;
}

bool contains_zero(const Interval& a) {
    return !(a.low().is_negative() && a.high().is_negative()) &&
           (a.low().is_negative() || a.low().is_zero());
}

}  // namespace

Interval Interval::between(BigFloat low, BigFloat high) {
    if (!low.is_finite() || !high.is_finite() || low.compare(high) > 0) {
        throw Error(ErrorKind::internal, "", "an interval needs two finite ends in order");
    }
    Interval result;
    result.low_ = std::move(low);
    result.high_ = std::move(high);
    return result;
}

Interval Interval::exact(double value) {
    return between(BigFloat(value), BigFloat(value));
}

Interval Interval::integer(long value) {
    return between(BigFloat::from_integer(value), BigFloat::from_integer(value));
}

Interval Interval::around_decimal(double nearest) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return between(BigFloat(std::nextafter(nearest, -kInfinity)),
                   BigFloat(std::nextafter(nearest, kInfinity)));
}

bool Interval::is_positive() const {
    return !low_.is_negative() && !low_.is_zero();
}

bool Interval::is_single_point() const {
    return low_.compare(high_) == 0;
}

Upper Interval::magnitude() const {
    const BigFloat from_low = low_.is_negative() ? low_.negated() : low_;
    const BigFloat from_high = high_.is_negative() ? high_.negated() : high_;
    return Upper::of(larger(from_low, from_high));
}

Lower Interval::mignitude() const {
    if (contains_zero(*this)) {
        return {};
    }
    return Lower::of(low_.is_negative() ? high_.negated() : low_);
}

Interval operator+(const Interval& a, const Interval& b) {
    return Interval::between(add(a.low(), b.low(), Rounding::down),
                             add(a.high(), b.high(), Rounding::up));
}

Interval operator-(const Interval& a, const Interval& b) {
    return Interval::between(subtract(a.low(), b.high(), Rounding::down),
                             subtract(a.high(), b.low(), Rounding::up));
}

Interval operator*(const Interval& a, const Interval& b) {
    BigFloat low = multiply(a.low(), b.low(), Rounding::down);
    BigFloat high = multiply(a.low(), b.low(), Rounding::up);
    const std::array<std::pair<const BigFloat*, const BigFloat*>, 3> others = {
        {{&a.low(), &b.high()}, {&a.high(), &b.low()}, {&a.high(), &b.high()}}};
    for (const auto& [x, y] : others) {
        low = smaller(low, multiply(*x, *y, Rounding::down));
        high = larger(high, multiply(*x, *y, Rounding::up));
    }
    return Interval::between(std::move(low), std::move(high));
}

Interval operator/(const Interval& a, const Interval& b) {
    if (contains_zero(b)) {
        throw Error(ErrorKind::architecture, "", "a hyper-parameter divides by zero");
    }
    const BigFloat one(1.0);
    const Interval reciprocal = Interval::between(divide(one, b.high(), Rounding::down),
                                                  divide(one, b.low(), Rounding::up));
    return a * reciprocal;
}

Interval sqrt(const Interval& a) {
    if (a.low().is_negative()) {
        throw Error(ErrorKind::architecture, "", "a hyper-parameter takes the root of a negative");
    }
    return Interval::between(square_root(a.low(), Rounding::down),
                             square_root(a.high(), Rounding::up));
}

double middle(const Interval& interval) {
    const BigFloat sum = add(interval.low(), interval.high(), Rounding::up);
    return sum.scaled(-1, Rounding::up).to_double(Rounding::down);
}

}  // namespace lipcert
