#pragma once

#include "lipcert/tensor/matrix.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <string>
#include <vector>

#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// {0} for an empty dataspace (h5py.Empty). Throws Error{input} for more than eight dimensions.
[[nodiscard]] std::vector<std::size_t> dataset_shape(hid_t dataset, const std::string& where);

/// What the dataset holds, without its values. Throws Error{input} for what must not be in a file
/// that lipcert opens at all: data in other files (virtual or external storage), more than eight
/// dimensions, a size that overflows, a shape that declares over 4 GiB and over a thousand times
/// what is stored.
[[nodiscard]] TensorInfo describe_dataset(const Object& dataset, const std::string& name);

/// The values of a dataset that `describe_dataset` has described as `tensor`, exact in double, in
/// the shape of Checkpoint::read. Memory: the result, plus one chunk, stored and decoded. Throws
/// Error{input} for a type that is not read, a filter that is not allowed, damaged data, values
/// that were never written, a value that is not finite.
[[nodiscard]] Matrix read_dataset(const Object& dataset, const TensorInfo& tensor);

/// Looks up what `read_dataset` would read, without its values. Throws Error{input} likewise.
void look_up_dataset(const Object& dataset, const TensorInfo& tensor);

}  // namespace lipcert::hdf5
