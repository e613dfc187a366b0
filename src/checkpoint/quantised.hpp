#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// A tensor whose name says that weights of the file are codes that need scales to become numbers
/// (GPTQ, AWQ, bitsandbytes, compressed-tensors, float8 exports); empty where there is none.
[[nodiscard]] std::string sign_of_quantisation(const std::vector<TensorInfo>& tensors);

/// Throws Error{input} unless `sign` is empty: what such a file holds as float matrices are scales,
/// and the norm of a scale says nothing about the model.
void refuse_quantised(const std::string& sign, const std::string& where);

}  // namespace lipcert
