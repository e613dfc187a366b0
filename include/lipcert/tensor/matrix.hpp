#pragma once

#include "lipcert/rounding/strict_math.hpp"

#include <Eigen/Core>

namespace lipcert {

/// A dense matrix in memory, row by row, as checkpoints store it.
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

}  // namespace lipcert
