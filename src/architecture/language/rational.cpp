#include "architecture/language/rational.hpp"

#include "lipcert/error.hpp"

#include <limits>
#include <numeric>

namespace lipcert::language {

namespace {

[[noreturn]] void refuse(const char* message) {
    throw Error(ErrorKind::architecture, "", message);
}

long times(long a, long b) {
    long product = 0;
    if (__builtin_mul_overflow(a, b, &product)) {
        refuse("a size is too large for 64 bits");
    }
    return product;
}

long plus(long a, long b) {
    long sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        refuse("a size is too large for 64 bits");
    }
    return sum;
}

}  // namespace

Rational::Rational(long numerator, long denominator) {
    constexpr long kSmallest = std::numeric_limits<long>::min();
    if (denominator == 0) {
        refuse("a size is divided by zero");
    }
    // The smallest integer has no negation, so that gcd and the change of sign would overflow.
    if (numerator == kSmallest || denominator == kSmallest) {
        refuse("a size is too large for 64 bits");
    }
    const long common = std::gcd(numerator, denominator);
    const long sign = denominator < 0 ? -1 : 1;
    numerator_ = sign * (numerator / common);
    denominator_ = sign * (denominator / common);
}

std::optional<long> Rational::whole() const {
    if (denominator_ != 1) {
        return std::nullopt;
    }
    return numerator_;
}

Rational operator+(const Rational& a, const Rational& b) {
    return {plus(times(a.numerator_, b.denominator_), times(b.numerator_, a.denominator_)),
            times(a.denominator_, b.denominator_)};
}

Rational operator-(const Rational& a, const Rational& b) {
    return a + Rational(-1) * b;
}

Rational operator*(const Rational& a, const Rational& b) {
    return {times(a.numerator_, b.numerator_), times(a.denominator_, b.denominator_)};
}

Rational operator/(const Rational& a, const Rational& b) {
    return {times(a.numerator_, b.denominator_), times(a.denominator_, b.numerator_)};
}

Rational sqrt(const Rational& /*a*/) {
    refuse("a size cannot be a square root");
}

}  // namespace lipcert::language
