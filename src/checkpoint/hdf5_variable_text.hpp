#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// The variable-length text of the attribute `name`, found in the bytes of the file instead of
/// with H5Aread: libhdf5 1.10 copies as many bytes as the global heap claims into a buffer as
/// large as the attribute claims, and takes an index into the heap for granted. Follows the HDF5
/// File Format Specification 3.0, IV.A.1 (object headers), IV.A.2.m (attribute messages), III.E
/// (global heap). Throws Error{input} for whatever does not fit together, and for more than
/// `limit` bytes.
[[nodiscard]] std::string read_variable_text(const Object& object,
                                             std::string_view name,
                                             std::size_t limit);

}  // namespace lipcert::hdf5
