#include "architecture/language/expression.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "support/random.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

using lipcert::BigFloat;
using lipcert::Error;
using lipcert::Interval;
using lipcert::Rounding;
using lipcert::language::Expression;
using lipcert::test::error_of;
using lipcert::test::Random;
using lipcert::test::repetitions;
using lipcert::test::says;

namespace {

Interval real_of(const std::string& text) {
    return Expression::parse(text).real([](const std::string& name) -> Interval {
        throw std::logic_error("no value was expected for " + name);
    });
}

long whole_of(const std::string& text) {
    return Expression::parse(text).whole(
        [](const std::string& name) -> long { return name == "width" ? 768 : 12; });
}

/// A formula together with its exact value as a fraction.
struct Sample {
    std::string text;
    long numerator = 0;
    long denominator = 1;
};

Sample random_sample(Random& random, int depth) {
    if (depth == 0) {
        const auto value = static_cast<long>(random.integer(1, 9));
        return {std::to_string(value), value, 1};
    }
    Sample a = random_sample(random, depth - 1);
    const Sample b = random_sample(random, depth - 1);
    switch (random.integer(0, 3)) {
        case 0:
            return {fmt::format("({} + {})", a.text, b.text),
                    a.numerator * b.denominator + b.numerator * a.denominator,
                    a.denominator * b.denominator};
        case 1:
            return {fmt::format("({}-{})", a.text, b.text),
                    a.numerator * b.denominator - b.numerator * a.denominator,
                    a.denominator * b.denominator};
        case 2:
            return {fmt::format("{} * {}", a.text, b.text),
                    a.numerator * b.numerator,
                    a.denominator * b.denominator};
        default:
            break;
    }
    if (b.numerator == 0) {
        return a;
    }
    return {fmt::format("({})/({})", a.text, b.text),
            a.numerator * b.denominator,
            a.denominator * b.numerator};
}

bool contains(const Interval& interval, const BigFloat& value) {
    return interval.low().compare(value) <= 0 && value.compare(interval.high()) <= 0;
}

double width_of(const Interval& interval) {
    return subtract(interval.high(), interval.low(), Rounding::up).to_double(Rounding::up);
}

}  // namespace

TEST_CASE("a formula of whole numbers is enclosed, and the enclosure is tight") {
    Random random(0xe1);
    for (std::size_t i = 0; i < repetitions(2000); ++i) {
        const Sample sample = random_sample(random, 3);
        INFO(sample.text);
        const Interval value = real_of(sample.text);
        const auto numerator = BigFloat::from_integer(sample.numerator);
        const auto denominator = BigFloat::from_integer(sample.denominator);
        // The true value lies between these two.
        const BigFloat below = divide(numerator, denominator, Rounding::down);
        const BigFloat above = divide(numerator, denominator, Rounding::up);
        CHECK(value.low().compare(above) <= 0);
        CHECK(below.compare(value.high()) <= 0);
        CHECK(width_of(value) <= 1e-30 * (1 + std::fabs(above.to_double(Rounding::up))));
    }
}

TEST_CASE("operators bind as in arithmetic, from the left") {
    CHECK(whole_of("2+3*4") == 14);
    CHECK(whole_of("20-3-4") == 13);
    CHECK(whole_of("24/4/2") == 3);
    CHECK(whole_of("-2*-3 - -(4)") == 10);
    CHECK(whole_of("2*(3+4)") == 14);
}

TEST_CASE("whole numbers, exact quotients and exact roots are single points") {
    for (const char* text : {"7", "1/8", "sqrt(16)", "1/sqrt(64)", "1-3/4"}) {
        INFO(text);
        CHECK(real_of(text).is_single_point());
    }
}

TEST_CASE("a root is enclosed on both sides") {
    const Interval root = real_of("sqrt(2)");
    CHECK(multiply(root.low(), root.low(), Rounding::up).compare(BigFloat(2.0)) <= 0);
    CHECK(multiply(root.high(), root.high(), Rounding::down).compare(BigFloat(2.0)) >= 0);
    CHECK(width_of(root) <= 1e-37);
}

TEST_CASE("a decimal covers itself and its nearest double, and not much more") {
    const Interval tenth = real_of("0.1");
    CHECK(contains(tenth, BigFloat(0.1)));
    CHECK(contains(tenth, BigFloat::parse("0.1", Rounding::down)));
    CHECK(contains(tenth, BigFloat::parse("0.1", Rounding::up)));
    CHECK(width_of(tenth) <= 3e-17);
    CHECK(contains(real_of("1e-5"), BigFloat::parse("1e-5", Rounding::up)));
}

TEST_CASE("names are read from the outside, as intervals") {
    auto third = Interval::integer(1) / Interval::integer(3);
    const Interval value =
        Expression::parse("1 - a").real([&](const std::string&) -> Interval { return third; });
    CHECK(value.low().to_double(Rounding::down) <= 2.0 / 3.0);
    CHECK(value.high().to_double(Rounding::up) >= 2.0 / 3.0);
    CHECK(width_of(value) <= 1e-37);
    CHECK(Expression::parse("b/sqrt(a)+b").names() == std::vector<std::string>{"b", "a", "b"});
}

TEST_CASE("sizes are exact: a quotient is whole or refused") {
    CHECK(whole_of("width/heads") == 64);
    CHECK(whole_of("2*width/3") == 512);
    CHECK(whole_of("width/5*5") == 768);
    CHECK(says(error_of([] { return whole_of("width/7"); }), "not a whole number"));
    CHECK(says(error_of([] { return whole_of("width*0.5"); }), "decimal"));
    CHECK(says(error_of([] { return whole_of("sqrt(width)"); }), "square root"));
    CHECK(says(error_of([] { return whole_of("width/(heads-12)"); }), "divided by zero"));
    CHECK(says(error_of([] { return whole_of("9223372036854775807+1"); }), "too large"));
    CHECK(says(error_of([] { return whole_of("9223372036854775807*width"); }), "too large"));
    CHECK(says(error_of([] { return whole_of("0-9223372036854775807-1"); }), "too large"));
}

TEST_CASE("a division by zero and the root of a negative are refused") {
    CHECK_THROWS_AS(static_cast<void>(real_of("1/(2-2)")), Error);
    CHECK_THROWS_AS(static_cast<void>(real_of("sqrt(1-2)")), Error);
    CHECK_THROWS_AS(static_cast<void>(real_of("1/0.0")), Error);
}

TEST_CASE("a formula that does not read is refused with its column") {
    const auto refusal = [](const std::string& text) {
        return error_of([&] { return Expression::parse(text); });
    };
    CHECK(says(refusal(""), "column 1"));
    CHECK(says(refusal("2+"), "column 3"));
    CHECK(says(refusal("2 3"), "column 3"));
    CHECK(says(refusal("(2"), "closing parenthesis"));
    CHECK(says(refusal("2)"), "column 2"));
    CHECK(says(refusal("sqrt 2"), "parenthesis"));
    CHECK(says(refusal("2^3"), "column 2"));
    CHECK(says(refusal("1e999"), "number"));
    CHECK(says(refusal("1.2.3"), "number"));
    CHECK(says(refusal("2x"), "number"));
    CHECK(says(refusal("a.b"), "column 2"));
    CHECK(says(refusal(std::string("1\0", 2)), "column 2"));
    CHECK(says(refusal(std::string(2000, '1')), "at most"));
    CHECK(says(refusal(std::string(500, '(')), "too deep"));
    CHECK(says(refusal(std::string(500, '-')), "too deep"));
}
