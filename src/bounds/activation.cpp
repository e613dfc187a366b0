#include "lipcert/bounds/activation.hpp"

#include "lipcert/error.hpp"

#include <cmath>

namespace lipcert {

namespace {

// The decimals are sup |phi'| cut after twenty places and raised by one in the last; the stationary
// points and the proof are in docs/theorems.md [R6], an independent search is in the tests.
constexpr const char* kGeluErfSlope = "1.12890414518515478635";
constexpr const char* kGeluTanhSlope = "1.12899306865877176546";
constexpr const char* kSiluSlope = "1.09983932012886691696";
constexpr const char* kMishSlope = "1.08849816125172786123";

Upper largest_slope(Activation activation) {
    switch (activation) {
        case Activation::relu:
        case Activation::tanh:
        case Activation::identity:
            return Upper::exact(1.0);
        case Activation::gelu_erf:
            return Upper::parse(kGeluErfSlope);
        case Activation::gelu_tanh:
            return Upper::parse(kGeluTanhSlope);
        case Activation::silu:
        case Activation::quick_gelu:  // silu(1.702 t)/1.702: the same slopes
            return Upper::parse(kSiluSlope);
        case Activation::mish:
            return Upper::parse(kMishSlope);
        case Activation::hardswish:
            return Upper::exact(1.5);
        case Activation::relu_squared:
            return Upper::infinity();
    }
    throw Error(ErrorKind::internal, "", "an activation without certified constants");
}

/// The centre is a double; the half-width is the larger of its distances from the two ends.
SlopeRange slope_range(Activation activation) {
    const auto range = [](double centre, const char* half_width) {
        return SlopeRange{centre, Upper::parse(half_width)};
    };
    switch (activation) {
        case Activation::relu:
        case Activation::tanh:
            return range(0.5, "0.5");
        case Activation::identity:
            return range(1.0, "0");
        case Activation::gelu_erf:  // phi'(t) + phi'(-t) = 1: the range is symmetric about 1/2
            return range(0.5, "0.62890414518515478635");
        case Activation::gelu_tanh:
            return range(0.5, "0.62899306865877176546");
        case Activation::silu:
        case Activation::quick_gelu:
            return range(0.5, "0.59983932012886691696");
        case Activation::mish:  // from -0.11252612... to the largest slope; the centre is 1999/4096
            return range(0.488037109375, "0.60056323176446255643");
        case Activation::hardswish:  // from -1/2 to 3/2
            return range(0.5, "1");
        case Activation::relu_squared:
            return {0.0, Upper::infinity()};
    }
    throw Error(ErrorKind::internal, "", "an activation without certified constants");
}

/// From 0 to `end`.
SlopeRange range_up_to(const Upper& end) {
    const double half = end.scaled(-1).to_double();
    return std::isfinite(half) ? SlopeRange{half, Upper::exact(half)} : SlopeRange{0.0, end};
}

}  // namespace

bool has_bounded_slope(Activation activation) {
    return activation != Activation::relu_squared;
}

ActivationBounds activation_bounds(Activation activation, const Upper& largest) {
    if (activation == Activation::relu_squared) {
        // t <= largest: phi(t)/t = max(0, t), and the slopes are at most twice that.
        const Upper steepest = largest.scaled(1);
        return {steepest, largest, range_up_to(steepest), range_up_to(largest)};
    }
    // Each of them is t times a factor in [0, 1]; tanh because it is 1-Lipschitz, odd and rising.
    const bool linear = activation == Activation::identity;
    const SlopeRange ratios =
        linear ? SlopeRange{1.0, Upper()} : SlopeRange{0.5, Upper::exact(0.5)};
    return {largest_slope(activation), Upper::exact(1.0), slope_range(activation), ratios};
}

}  // namespace lipcert
