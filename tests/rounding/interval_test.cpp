#include "lipcert/rounding/interval.hpp"

#include "lipcert/error.hpp"

#include <cmath>

#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using lipcert::BigFloat;
using lipcert::Error;
using lipcert::Interval;
using lipcert::Lower;
using lipcert::Rounding;
using lipcert::Upper;
using lipcert::test::rational;

namespace {

bool contains(const Interval& interval, double point) {
    return interval.low().compare(BigFloat(point)) <= 0 &&
           interval.high().compare(BigFloat(point)) >= 0;
}

/// An interval with small-integer ends, and a dyadic point inside, so that point arithmetic is
/// exact.
struct Sample {
    Interval interval;
    double point;
};

Sample sample(lipcert::test::Random& random) {
    const double low = static_cast<double>(random.integer(0, 40)) - 20.0;
    const double width = static_cast<double>(random.integer(0, 8));
    const double share = static_cast<double>(random.integer(0, 8)) / 8.0;
    return {Interval::between(BigFloat(low), BigFloat(low + width)), low + share * width};
}

}  // namespace

TEST_CASE("every operation encloses the result for every pair of points") {
    lipcert::test::Random random(11);
    for (std::size_t i = 0; i < lipcert::test::repetitions(5000); ++i) {
        const Sample a = sample(random);
        const Sample b = sample(random);
        CHECK(contains(a.interval + b.interval, a.point + b.point));
        CHECK(contains(a.interval - b.interval, a.point - b.point));
        CHECK(contains(a.interval * b.interval, a.point * b.point));
        CHECK(Upper::exact(std::abs(a.point)) <= a.interval.magnitude());
        CHECK(Lower::exact(std::abs(a.point)) >= a.interval.mignitude());
        if (b.interval.low().compare(BigFloat(0.0)) > 0 || b.interval.high().is_negative()) {
            const Interval quotient = a.interval / b.interval;
            // quotient * b must hold a again: exact in dyadic points up to the quotient's rounding.
            CHECK(contains(quotient * b.interval, a.point));
        }
    }
}

TEST_CASE("results that 128 bits cannot hold lie strictly between the ends") {
    const Interval one = Interval::integer(1);
    const Interval tiny =
        Interval::between(BigFloat::power_of_two(-200), BigFloat::power_of_two(-200));
    const BigFloat unit(1.0);
    const Interval above = one + tiny;  // 1 < 1 + 2^-200 < high
    CHECK(above.low().compare(unit) == 0);
    CHECK(above.high().compare(unit) > 0);
    CHECK(above.high().compare(BigFloat(1.0 + 0x1p-52)) < 0);
    const Interval below = one - tiny;  // low < 1 - 2^-200 < 1
    CHECK(below.low().compare(unit) < 0);
    CHECK(below.high().compare(unit) == 0);
    CHECK(below.low().compare(BigFloat(1.0 - 0x1p-53)) > 0);
    const Interval negative = tiny - one;
    CHECK(negative.low().compare(BigFloat(-1.0)) == 0);
    CHECK(negative.high().compare(BigFloat(-1.0)) > 0);
}

TEST_CASE("roots, products and quotients that are rounded lie on both sides of the exact result") {
    const Interval root = sqrt(Interval::integer(2));
    CHECK((rational(root.low()) * rational(root.low()) < 2));
    CHECK((rational(root.high()) * rational(root.high()) > 2));
    CHECK((rational(root.high()) - rational(root.low()) < lipcert::test::two_to(-126)));
    const Interval third = Interval::integer(1) / Interval::integer(3);
    CHECK((rational(third.low()) * 3 < 1));
    CHECK((rational(third.high()) * 3 > 1));
    const Interval product = third * Interval::integer(-7);
    CHECK((rational(product.low()) * 3 < -7));
    CHECK((rational(product.high()) * 3 > -7));
}

TEST_CASE("operations on single points are exact when the result is representable") {
    const Interval sum = Interval::exact(1.5) + Interval::integer(3);
    CHECK(sum.is_single_point());
    CHECK(contains(sum, 4.5));
    CHECK((Interval::exact(1.5) * Interval::exact(-2.0)).is_single_point());
    CHECK(sqrt(Interval::integer(9)).is_single_point());
}

TEST_CASE("a decimal's interval holds the decimal and the double that it was read into") {
    const Interval tenth = Interval::around_decimal(0.1);
    CHECK(contains(tenth, 0.1));
    CHECK(tenth.low().compare(BigFloat::parse("0.1", Rounding::down)) <= 0);
    CHECK(tenth.high().compare(BigFloat::parse("0.1", Rounding::up)) >= 0);
}

TEST_CASE("division by an interval around zero and roots of negatives are refused") {
    const Interval around_zero = Interval::between(BigFloat(-1.0), BigFloat(1.0));
    CHECK_THROWS_AS((void)(Interval::integer(1) / around_zero), Error);
    CHECK_THROWS_AS((void)(Interval::integer(1) / Interval()), Error);
    CHECK_THROWS_AS((void)sqrt(around_zero), Error);
    CHECK(around_zero.mignitude().is_zero());
    CHECK_FALSE(around_zero.is_positive());
}
