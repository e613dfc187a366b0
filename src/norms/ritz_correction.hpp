#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert {

/// A step towards the eigenvectors of a symmetric matrix G of which only a matrix F nearby is at
/// hand, given by its lower triangle: for column i of `residuals`, G v_i - V V^T G v_i as computed
/// in float64, the d_i orthogonal to the columns of V (n x k, nearly orthonormal) with
/// (values(i) I - F) d_i = residual_i there; v_i + d_i has the square of v_i's error but for what F
/// is off. By conjugate gradients, for values above the rest of the spectrum. An estimate: nothing
/// rests on it.
[[nodiscard]] Matrix ritz_corrections(const FloatMatrix& lower,
                                      const Matrix& vectors,
                                      const Vector& values,
                                      const Matrix& residuals);

}  // namespace lipcert
