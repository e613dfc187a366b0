#include "lipcert/bounds/activation.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "support/activations.hpp"
#include "support/random.hpp"
#include "support/taylor.hpp"
#include <doctest/doctest.h>

using lipcert::Activation;
using lipcert::activation_bounds;
using lipcert::BigFloat;
using lipcert::Rounding;
using lipcert::test::evaluate;
using lipcert::test::Real;
using lipcert::test::Taylor;

namespace {

/// Covers |t| <= 16 by intervals on which |phi'| <= `constant`, by its value, slope and curvature
/// in the middle; reports the largest slope seen. `jerk` bounds |phi'''|.
struct SlopeCover {
    Activation activation;
    const Real& constant;  // the certified constant itself
    double jerk;
    double largest_slope = 0.0;
    double largest_third = 0.0;
    bool covered = true;

    void cover(double middle, double half) {
        const Taylor at = evaluate(activation, middle);
        largest_slope = std::max(largest_slope, std::abs(at.first.to_double()));
        largest_third = std::max(largest_third, std::abs(at.third.to_double()));
        const Real reach = abs(at.first) + abs(at.second) * Real(half) +
                           Real(jerk) * Real(half) * Real(half) * Real(0.5);
        if (reach <= constant) {
            return;
        }
        if (half < 0x1p-40) {
            covered = false;
            return;
        }
        cover(middle - half / 2, half / 2);
        cover(middle + half / 2, half / 2);
    }
};

TEST_CASE("slopes and ratios stay in their ranges, and reach both ends [R6]") {
    lipcert::test::Random random(13);
    for (const Activation activation : {Activation::relu,
                                        Activation::gelu_erf,
                                        Activation::gelu_tanh,
                                        Activation::silu,
                                        Activation::quick_gelu,
                                        Activation::mish,
                                        Activation::tanh,
                                        Activation::hardswish,
                                        Activation::identity}) {
        CAPTURE(static_cast<int>(activation));
        const auto bounds = activation_bounds(activation);
        const Real slopes = Real::of(bounds.slopes.half_width.value());
        const Real ratios = Real::of(bounds.ratios.half_width.value());
        double furthest_slope = 0.0;
        for (int cell = 0; cell < 4000; ++cell) {
            const double s = 0.005 * (cell - 2000) + 0.001 * random.uniform(0.0, 1.0);
            const double t = s + 0.0009765625;
            const Real rise = evaluate(activation, t).value - evaluate(activation, s).value;
            const Real run = Real(t) - Real(s);
            const Real slope_distance = abs(rise - Real(bounds.slopes.centre) * run);
            CHECK(slope_distance <= slopes * run);
            furthest_slope = std::max(furthest_slope, slope_distance.to_double() / run.to_double());
            const Real ratio_distance =
                abs(evaluate(activation, s).value - Real(bounds.ratios.centre) * Real(s));
            CHECK(ratio_distance <= ratios * abs(Real(s)));
        }
        CHECK(furthest_slope >= bounds.slopes.half_width.to_double() - 1e-3);
    }
}

}  // namespace

TEST_CASE("no smooth activation has a slope above its constant, and each reaches it [R6]") {
    for (const Activation activation : {Activation::gelu_erf,
                                        Activation::gelu_tanh,
                                        Activation::silu,
                                        Activation::quick_gelu,
                                        Activation::mish}) {
        CAPTURE(static_cast<int>(activation));
        const auto bounds = activation_bounds(activation);
        const Real constant = Real::of(bounds.slope.value());
        SlopeCover cover{activation, constant, 8.0};
        for (int cell = -160; cell < 160; ++cell) {
            cover.cover(0.1 * cell + 0.05, 0.0500001);
        }
        CHECK(cover.covered);
        CHECK(cover.largest_third < 4.0);  // half of what the cover assumes
        CHECK(cover.largest_slope >= bounds.slope.to_double() - 1e-12);
    }
}

TEST_CASE("no activation leaves the sector |phi(t)| <= |t|, and each comes near to its edge [R6]") {
    lipcert::test::Random random(11);
    for (const Activation activation : lipcert::test::kActivations) {
        if (!lipcert::has_bounded_slope(activation)) {
            continue;
        }
        CAPTURE(static_cast<int>(activation));
        const Real ratio = Real::of(activation_bounds(activation).ratio.value());
        double largest = 0.0;
        for (std::size_t i = 0; i < lipcert::test::repetitions(2000); ++i) {
            const double t = random.normal() * std::ldexp(1.0, int(random.integer(0, 12)) - 6);
            const Taylor at = evaluate(activation, t);
            CHECK(abs(at.value) <= ratio * abs(Real(t)));
            largest = std::max(largest, std::abs(at.value.to_double() / t));
        }
        CHECK(largest > 0.99);
    }
}

TEST_CASE("difference quotients never exceed the slope constant, kinks included [R6]") {
    lipcert::test::Random random(12);
    for (const Activation activation :
         {Activation::relu, Activation::tanh, Activation::hardswish, Activation::identity}) {
        CAPTURE(static_cast<int>(activation));
        const Real slope = Real::of(activation_bounds(activation).slope.value());
        double largest = 0.0;
        for (std::size_t i = 0; i < lipcert::test::repetitions(5000); ++i) {
            // Every fourth one where hardswish is steepest: below its upper kink.
            const double s =
                i % 4 == 0 ? 3.0 - 0.01 * std::abs(random.normal()) : 4.0 * random.normal();
            const double t = s + random.normal() * std::ldexp(1.0, -int(random.integer(0, 20)));
            const Real rise = evaluate(activation, s).value - evaluate(activation, t).value;
            CHECK(abs(rise) <= slope * abs(Real(s) - Real(t)));
            if (s != t) {
                largest = std::max(largest, std::abs(rise.to_double() / (s - t)));
            }
        }
        CHECK(largest > 0.99 * slope.to_double());
    }
}

TEST_CASE("gelu divided by 1.1289 is not 1-Lipschitz: the paper's divisor is too small [R6]") {
    const Real divisor = Real::parse("1.1289");
    CHECK(evaluate(Activation::gelu_erf, std::sqrt(2.0)).first > divisor);
    CHECK(evaluate(Activation::gelu_tanh, 1.41850400879).first > divisor);
}

TEST_CASE("a squared relu has the ranges of its largest argument, and none without one [R44]") {
    using lipcert::Upper;
    CHECK_FALSE(activation_bounds(Activation::relu_squared).slope.is_finite());
    for (const double largest : {0.0, 0.3, 7.0, 1e300}) {
        const auto bounds = activation_bounds(Activation::relu_squared, Upper::exact(largest));
        CHECK(bounds.slope == Upper::exact(largest).scaled(1));
        CHECK(bounds.ratio == Upper::exact(largest));
        CHECK(bounds.slopes.centre == largest);
        CHECK(bounds.slopes.half_width == Upper::exact(largest));
        CHECK(bounds.ratios.centre == 0.5 * largest);
        CHECK(bounds.ratios.half_width == Upper::exact(0.5 * largest));
    }
    // Beyond what a double holds: a range around zero.
    const auto wide = activation_bounds(Activation::relu_squared, Upper::power_of_two(2000));
    CHECK(wide.slopes.centre == 0.0);
    CHECK(wide.slopes.half_width == Upper::power_of_two(2001));
}
