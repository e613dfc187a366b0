#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lipcert {

/// Bytes of one stored element; 0 for DataType::unsupported.
[[nodiscard]] std::size_t element_size(DataType type);

/// The exact value of an IEEE 754 binary16 pattern, subnormals, signed zeros, infinities and NaN
/// included; no floating-point unit setting (flush to zero) has a part in it.
[[nodiscard]] double decode_float16(std::uint16_t bits);
/// The same for bfloat16: the upper half of a binary32.
[[nodiscard]] double decode_bfloat16(std::uint16_t bits);
/// The same for binary32.
[[nodiscard]] double decode_float32(std::uint32_t bits);

/// The pattern of `type` that is nearest to `value`, ties to the even one, rounded once, in
/// integers; -0 and subnormals stay. Nothing where `value` is not finite, would become infinite, or
/// the type is unsupported.
[[nodiscard]] std::optional<std::uint64_t> encode(DataType type, double value);

/// The same for each of `values`, little-endian elements from `raw` on, on a thread that rounds to
/// nearest (require_ieee_environment). How many could be encoded: the first that could not ends it.
[[nodiscard]] std::size_t encode(DataType type, std::span<const double> values, std::byte* raw);

/// The part of `values` that raw elements of `type` are to be read into before `decode`: its end.
/// One buffer serves for both, so reading never needs a second copy of a tensor.
[[nodiscard]] std::span<std::byte> raw_part(DataType type, std::span<double> values);

/// values.size() raw elements as doubles, exactly. `raw` may be raw_part(type, values).
void decode(DataType type, bool big_endian, const std::byte* raw, std::span<double> values);

/// Turns the bytes of every element of `size` bytes around: from one byte order into the other.
void swap_elements(std::span<std::byte> bytes, std::size_t size);

}  // namespace lipcert
