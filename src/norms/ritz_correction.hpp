#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <functional>

#include "norms/float_matrix.hpp"
#include "norms/krylov_space.hpp"
#include "norms/lanczos.hpp"

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

/// A guess at the top eigenvector of a symmetric matrix G where the spectrum has no gap: the best
/// combination of the Ritz vectors, and a correction outside of their span where that is better.
/// Good to about 1e-5, where the Ritz vector itself may be off by 1e-2. `image`: V to G V in
/// float64; `lower`: G in float32, which only makes the correction useless where it is not.
[[nodiscard]] Vector sharpened_top(const FloatMatrix& lower,
                                   const RitzPairs& pairs,
                                   const std::function<Matrix(const Matrix&)>& image);

/// The same from G itself.
[[nodiscard]] Estimate sharp_top_eigenpair(const Matrix& lower);

}  // namespace lipcert
