#pragma once

#include "lipcert/bounds/affine.hpp"

namespace lipcert {

/// diag(s) (W1 x + b1) with s_i >= max(0, |w_i| radius + b_i), no argument of unit i on |x| <=
/// radius being larger: on that ball the units phi(W1 x + b1), phi(t) = max(0, t)^2, are S times
/// it with S in [0, 1], and their differences are Delta times its with Delta in [0, 2]. So
/// activation_bounds(relu_squared, 1) holds for it in the place of W1 x + b1 [R44].
/// Cost: one pass over W1. `radius` must be finite (Error{internal}).
[[nodiscard]] AffineMap squared_relu_units(const AffineMap& in, const Upper& radius);

/// The largest of the s_i.
[[nodiscard]] Upper largest_argument(const AffineMap& in, const Upper& radius);

}  // namespace lipcert
