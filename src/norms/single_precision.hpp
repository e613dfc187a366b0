#pragma once

#include "norms/float_matrix.hpp"

namespace lipcert::blas {

/// A B in float32, for measurements: no bound may rest on it.
[[nodiscard]] FloatMatrix multiply_single(const FloatMatrix& a, const FloatMatrix& b);

}  // namespace lipcert::blas
