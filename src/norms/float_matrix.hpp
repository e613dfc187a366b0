#pragma once

#include "lipcert/tensor/matrix.hpp"

namespace lipcert {

/// A matrix in float32, row by row: what a crude but fast certificate works on.
using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A block of a stored matrix, without a copy.
using MatrixView = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;

}  // namespace lipcert
