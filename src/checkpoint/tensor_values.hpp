#pragma once

#include "lipcert/tensor/matrix.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <span>
#include <string>

/// What every reader owes to the values of a tensor, whatever the format of the file.
namespace lipcert {

/// A matrix in the shape of Checkpoint::read. Throws Error{input} where memory does not suffice;
/// the caller has compared the size with what the file holds.
[[nodiscard]] Matrix allocate_values(const TensorInfo& tensor, const std::string& where);

/// Throws Error{input} that names the first entry that is NaN or infinite.
void require_finite(std::span<const double> values,
                    const TensorInfo& tensor,
                    const std::string& where);

/// Throws Error{input}: elements that are never given a number; `hint` may add what would help.
[[noreturn]] void refuse_element_type(const std::string& type_name,
                                      const std::string& where,
                                      const std::string& hint = "");

}  // namespace lipcert
