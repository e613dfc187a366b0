#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lipcert {

/// How many bytes of memory reading one tensor may take from now on: its values in double, and what
/// is needed to decode them. Nothing: as many as the machine has, which is how the process starts.
/// What is computed from the values comes on top.
void set_memory_limit(std::optional<std::uint64_t> bytes);

/// Before `bytes` are allocated for the tensor at `where`: throws Error{input} where the limit does
/// not allow them.
void require_memory(std::uint64_t bytes, const std::string& where);

}  // namespace lipcert
