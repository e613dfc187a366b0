#include "lipcert/rounding/bound.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <limits>
#include <mpfr.h>
#include <string>

#include "support/random.hpp"
#include <doctest/doctest.h>

using lipcert::BigFloat;
using lipcert::Enclosure;
using lipcert::Error;
using lipcert::Lower;
using lipcert::Rounding;
using lipcert::Upper;
using lipcert::test::Random;
using lipcert::test::repetitions;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A number with 2000 bits, in which sums and products of the operands below are exact.
class Oracle {
public:
    Oracle() { mpfr_init2(value, 2000); }

    explicit Oracle(const BigFloat& number) : Oracle() {
        // 128 bits are a sum of at most three doubles, taken off one after the other.
        BigFloat rest = number;
        mpfr_set_zero(value, 1);
        while (!rest.is_zero()) {
            const BigFloat head(rest.to_double(Rounding::down));
            mpfr_t part;
            mpfr_init2(part, 64);
            mpfr_set_d(part, head.to_double(Rounding::down), MPFR_RNDN);
            mpfr_add(value, value, part, MPFR_RNDN);
            mpfr_clear(part);
            rest = subtract(rest, head, Rounding::down);
        }
    }

    Oracle(const Oracle&) = delete;
    Oracle& operator=(const Oracle&) = delete;
    Oracle(Oracle&&) = delete;
    Oracle& operator=(Oracle&&) = delete;

    ~Oracle() { mpfr_clear(value); }

    mpfr_t value;
};

/// exact <= upper <= exact (1 + 2^-126), and lower likewise from below.
void check_two_sided(const BigFloat& lower, const BigFloat& upper, const Oracle& exact) {
    const Oracle low(lower);
    const Oracle high(upper);
    CHECK(mpfr_lessequal_p(low.value, exact.value) != 0);
    CHECK(mpfr_greaterequal_p(high.value, exact.value) != 0);
    Oracle gap;
    mpfr_sub(gap.value, high.value, low.value, MPFR_RNDU);
    Oracle allowed;
    mpfr_mul_2si(allowed.value, exact.value, -126, MPFR_RNDD);
    CHECK(mpfr_lessequal_p(gap.value, allowed.value) != 0);
}

double random_positive(Random& random) {
    const double mantissa = random.uniform(1.0, 2.0);
    return std::ldexp(mantissa, static_cast<int>(random.integer(0, 400)) - 200);
}

}  // namespace

TEST_CASE("10^10264 is an ordinary bound, and so is its product with 10^-9000") {
    const Upper huge = Upper::parse("1e10264");
    CHECK(huge.is_finite());
    const Upper product = huge * Upper::parse("1e-9000");
    CHECK(product.is_finite());
    CHECK(product.value().compare(BigFloat::parse("1e1264", Rounding::down)) >= 0);
    CHECK(product.to_decimal(5) == "1.0001e+1264");
    CHECK(huge.log10() >= 10264.0);
    CHECK(huge.log10() <= 10264.001);
    CHECK(huge.to_double() == kInfinity);
    CHECK(Lower::parse("1e10264").to_double() == std::numeric_limits<double>::max());
}

TEST_CASE("sums, products, quotients and roots enclose the exact value within 2^-126") {
    Random random(1);
    for (std::size_t i = 0; i < repetitions(2000); ++i) {
        const double x = random_positive(random);
        const double y = random_positive(random);
        Oracle exact;
        const Oracle left{BigFloat(x)};
        const Oracle right{BigFloat(y)};

        mpfr_add(exact.value, left.value, right.value, MPFR_RNDN);
        check_two_sided((Lower::exact(x) + Lower::exact(y)).value(),
                        (Upper::exact(x) + Upper::exact(y)).value(),
                        exact);
        mpfr_mul(exact.value, left.value, right.value, MPFR_RNDN);
        check_two_sided((Lower::exact(x) * Lower::exact(y)).value(),
                        (Upper::exact(x) * Upper::exact(y)).value(),
                        exact);
        // 2000 bits against 128: the oracle's own rounding cannot be mistaken for ours.
        mpfr_div(exact.value, left.value, right.value, MPFR_RNDN);
        check_two_sided((Lower::exact(x) / Upper::exact(y)).value(),
                        (Upper::exact(x) / Lower::exact(y)).value(),
                        exact);
        mpfr_sqrt(exact.value, left.value, MPFR_RNDN);
        check_two_sided(sqrt(Lower::exact(x)).value(), sqrt(Upper::exact(x)).value(), exact);
    }
}

TEST_CASE("a difference of bounds is what is left for certain, never negative") {
    CHECK((Lower::exact(3.0) - Upper::exact(1.0)) == Lower::exact(2.0));
    CHECK((Lower::exact(1.0) - Upper::exact(3.0)).is_zero());
    CHECK((Lower::exact(1.0) - Upper::infinity()).is_zero());
}

TEST_CASE("what a difference cannot hold is rounded down") {
    // 2 - 2^-200 and 1 - 2^-200 need more than 128 bits.
    const Upper tiny = Upper::power_of_two(-200);
    CHECK(Lower::exact(2.0) - tiny < Lower::exact(2.0));
    CHECK(Lower::exact(1.0) - tiny < Lower::exact(1.0));
    CHECK(Lower::exact(2.0) - tiny >= Lower::exact(2.0) - Upper::power_of_two(-126));
}

TEST_CASE("conversion to double goes outward") {
    const Upper third_up = Upper::exact(1.0) / Lower::exact(3.0);
    const Lower third_down = Lower::exact(1.0) / Upper::exact(3.0);
    CHECK(third_down.to_double() == std::nextafter(third_up.to_double(), 0.0));
    CHECK(Upper::power_of_two(-2000).to_double() == std::numeric_limits<double>::denorm_min());
    CHECK((Lower::exact(1.0) / Upper::power_of_two(2000)).to_double() == 0.0);
}

TEST_CASE("decimals print rounded outward, and read back outward") {
    CHECK(Upper::exact(1.0).to_decimal(5) == "1.0000e+00");
    CHECK((Upper::exact(1.0) + Upper::power_of_two(-100)).to_decimal(5) == "1.0001e+00");
    CHECK((Lower::exact(2.0) - Upper::power_of_two(-100)).to_decimal(5) == "1.9999e+00");
    CHECK(Upper().to_decimal(3) == "0.00e+00");
    CHECK(Upper::infinity().to_decimal(3) == "inf");
    Random random(2);
    for (std::size_t i = 0; i < repetitions(500); ++i) {
        const double x = random_positive(random);
        CHECK(Upper::parse(Upper::exact(x).to_decimal(6)) >= Upper::exact(x));
        CHECK(Lower::parse(Lower::exact(x).to_decimal(6)) <= Lower::exact(x));
    }
}

TEST_CASE("a decimal limit is read downward for a lower and upward for an upper bound") {
    CHECK(lipcert::proves_at_most(Upper::exact(0.1), Lower::parse("0.1")) == false);
    CHECK(lipcert::proves_at_most(Upper::exact(0.25), Lower::parse("0.25")));
    CHECK(Upper::parse("0.1").value().compare(Lower::parse("0.1").value()) > 0);
}

TEST_CASE("zero and no-bound obey the arithmetic of magnitudes") {
    CHECK((Upper() * Upper::infinity()).is_zero());
    CHECK_FALSE((Upper::infinity() * Upper::exact(0.5)).is_finite());
    CHECK_FALSE((Upper::exact(1.0) / Lower()).is_finite());
    CHECK_FALSE((Upper() / Lower()).is_finite());
    CHECK(min(Upper::infinity(), Upper::exact(2.0)) == Upper::exact(2.0));
    CHECK(Upper().log10() == -kInfinity);
}

TEST_CASE("NaN, negative magnitudes and infinite lower bounds cannot be built") {
    CHECK_THROWS_AS((void)Upper::exact(kNan), Error);
    CHECK_THROWS_AS((void)Upper::exact(-1.0), Error);
    CHECK_THROWS_AS((void)Lower::exact(kNan), Error);
    CHECK_THROWS_AS((void)Lower::exact(kInfinity), Error);
    CHECK_THROWS_AS((void)(Lower::exact(1.0) / Upper()), Error);
    CHECK_THROWS_AS((void)BigFloat(kNan), Error);
    CHECK_THROWS_AS((void)subtract(BigFloat::infinity(), BigFloat::infinity(), Rounding::up),
                    Error);
}

TEST_CASE("text that is not a decimal number is refused") {
    for (const char* text :
         {"", "abc", "1e", "1.2.3", "nan", "inf", "0x10", " 1", "1 ", "--1", "1e5x"}) {
        CAPTURE(text);
        CHECK_THROWS_AS((void)Upper::parse(text), Error);
    }
    CHECK_THROWS_AS((void)Upper::parse("-1"), Error);
    CHECK((Lower::exact(1.0) - Upper::exact(1.0)).to_decimal(3) == "0.00e+00");
}

TEST_CASE("an enclosure whose ends contradict each other is an internal error") {
    CHECK_THROWS_AS(Enclosure(Lower::exact(2.0), Upper::exact(1.0)), Error);
    CHECK_NOTHROW(Enclosure(Lower::exact(1.0), Upper::infinity()));
}

TEST_CASE("the relative width of an enclosure is rounded up") {
    CHECK(Enclosure().relative_width().is_zero());
    CHECK_FALSE(Enclosure(Lower(), Upper::exact(1.0)).relative_width().is_finite());
    const Upper width = Enclosure(Lower::exact(3.0), Upper::exact(4.0)).relative_width();
    CHECK(width >= Upper::exact(1.0) / Lower::exact(3.0));
    CHECK(width.to_double() < 0.33333333333334);
}
