#pragma once

#include "lipcert/rounding/bound.hpp"

#include <cstddef>

namespace lipcert {

/// The format in which a BLAS computes.
enum class Precision { float64, float32 };

/// U = 2^-52 (float32: 2^-23): bounds the relative error of one operation in *every* rounding mode,
/// so that a worker thread of a BLAS with another mode cannot break a proof (twice the unit
/// roundoff of round-to-nearest; docs/theorems-norms.md, "Arithmetic").
[[nodiscard]] Upper unit_roundoff(Precision precision = Precision::float64);

/// gamma_n = n U / (1 - n U), rounded up; +inf where n U >= 1.
[[nodiscard]] Upper gamma(std::size_t operations, Precision precision = Precision::float64);

/// 2^-1022 (float32: 2^-126): bounds the absolute error of one operation that underflows, flushed
/// or not, on operands of magnitude at most 1.
[[nodiscard]] Upper underflow_unit(Precision precision = Precision::float64);

/// The double above `value`: at least the number whose rounding to nearest it is.
[[nodiscard]] double next_up(double value);

}  // namespace lipcert
