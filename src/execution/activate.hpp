#pragma once

#include "lipcert/architecture/activation.hpp"
#include "lipcert/tensor/matrix.hpp"

namespace lipcert {

/// scale * phi(x), entry by entry, to a few units in the last place.
[[nodiscard]] Matrix activated(Activation activation, double scale, Matrix values);

}  // namespace lipcert
