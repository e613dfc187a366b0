#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <cstddef>
#include <string>

#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// What one element of a dataset is.
struct ElementType {
    DataType type = DataType::unsupported;
    bool big_endian = false;
    std::size_t size = 0;  ///< bytes of one element in memory, as libhdf5 counts them
    std::string name;      ///< "float32", "int64", "bfloat16 as opaque[2]", ...
};

/// Recognises the three IEEE 754 types and bfloat16 bit by bit, and the conventions by which
/// bfloat16 is stored in opaque and 16-bit integer datasets: the attribute dtype="bfloat16", or a
/// two-byte opaque type without tag and attribute (early Keras 3). All else is unsupported, 8-bit
/// floats included: libhdf5 reads the finite top exponent of E4M3FN as infinity.
[[nodiscard]] ElementType element_type(const Object& dataset);

}  // namespace lipcert::hdf5
