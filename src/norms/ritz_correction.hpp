#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert {

/// A step from a vector v in the span of nearly orthonormal columns V towards the eigenvector of a
/// symmetric matrix G of which only a matrix F nearby is at hand, by its lower triangle: for
/// `residual` = G v - value v as computed in float64, the d orthogonal to V with
/// (value I - F) d = residual there. v + d has the square of v's error but for what F is off. By
/// conjugate gradients, for a value above the rest of the spectrum. An estimate: nothing rests on
/// it.
[[nodiscard]] Vector ritz_correction(const FloatMatrix& lower,
                                     const Matrix& vectors,
                                     double value,
                                     const Vector& residual);

}  // namespace lipcert
