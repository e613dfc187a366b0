#pragma once

#include "lipcert/architecture/activation.hpp"
#include "lipcert/rounding/bound.hpp"

namespace lipcert {

/// Numbers between centre - half_width and centre + half_width.
struct SlopeRange {
    double centre = 0.0;
    Upper half_width;
};

/// What the rules need to know of a scalar function phi with phi(0) = 0 [R6].
struct ActivationBounds {
    Upper slope;        ///< sup |phi'|: decides a Lipschitz constant
    Upper ratio;        ///< sup |phi(t) / t|: decides a radius
    SlopeRange slopes;  ///< holds (phi(s) - phi(t))/(s - t) for all s != t
    SlopeRange ratios;  ///< holds phi(t)/t for all t != 0; not the same range
};

/// Whether the slopes are bounded on all of R; those of a squared relu grow with its argument
/// [R44].
[[nodiscard]] bool has_bounded_slope(Activation activation);

/// Certified constants of `activation` for arguments of at most `largest`, rounded up [R6] [R44].
[[nodiscard]] ActivationBounds activation_bounds(Activation activation,
                                                 const Upper& largest = Upper::infinity());

}  // namespace lipcert
