#pragma once

#include "lipcert/tensor/stored_values.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <string>

namespace lipcert {

/// The shape in which Checkpoint::read gives a tensor.
struct MatrixShape {
    Eigen::Index rows = 1;
    Eigen::Index cols = 1;
};

/// Rank 0 as 1 x 1, rank 1 as n x 1, rank r >= 2 as shape[0] x (product of the rest).
[[nodiscard]] MatrixShape matrix_shape(const TensorInfo& tensor);

/// Throws Error{internal} unless `values` may stand for `tensor` (nullptr: there is none): the same
/// type, the shape of Checkpoint::read.
void require_fit(const TensorInfo* tensor, const StoredValues& values, const std::string& where);

}  // namespace lipcert
