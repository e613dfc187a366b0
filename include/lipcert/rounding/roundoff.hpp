#pragma once

#include "lipcert/rounding/bound.hpp"

#include <cstddef>

namespace lipcert {

/// 2^-52: bounds the relative error of one operation in *every* rounding mode, so that a worker
/// thread of a BLAS with another mode cannot break a proof (twice the unit roundoff of
/// round-to-nearest; docs/theorems-norms.md, "Arithmetic").
[[nodiscard]] Upper unit_roundoff();

/// gamma_n = n U / (1 - n U), rounded up; +inf where n U >= 1.
[[nodiscard]] Upper gamma(std::size_t operations);

/// 2^-1022: bounds the absolute error of one operation that underflows, flushed or not, on operands
/// of magnitude at most 1.
[[nodiscard]] Upper underflow_unit();

}  // namespace lipcert
