#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// The text of the attribute `name` of `object`, or nothing where there is no such attribute.
/// Variable-length and fixed-length strings, scalar or with one element. Throws Error{input} for
/// any other type or shape, and for more than `limit` bytes.
[[nodiscard]] std::optional<std::string> read_text_attribute(const Object& object,
                                                             const char* name,
                                                             std::size_t limit);

}  // namespace lipcert::hdf5
