#pragma once

#include "lipcert/architecture/activation.hpp"
#include "lipcert/tensor/matrix.hpp"

namespace lipcert {

/// phi'(x), entry by entry, in float64.
[[nodiscard]] Matrix slopes(Activation activation, const Matrix& x);

}  // namespace lipcert
