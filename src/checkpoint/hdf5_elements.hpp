#pragma once

#include "lipcert/tensor/stored_values.hpp"

#include <string>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_writable.hpp"

namespace lipcert::hdf5 {

/// Replaces all elements of the dataset `tensor` of `source` in `copy`, a file that began as a copy
/// of it: raw, in the type and byte order of the dataset, through its own filters; libhdf5 converts
/// nothing. `values` fit the tensor. Throws Error{input}.
void write_elements(WritableFile& copy,
                    const Hdf5Checkpoint& source,
                    const TensorInfo& tensor,
                    const StoredValues& values);

}  // namespace lipcert::hdf5
