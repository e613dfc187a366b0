#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert::safetensors {

/// The longest header that the reference parser takes, in bytes.
inline constexpr std::uint64_t kLargestHeader = 100'000'000;
/// The length of the header stands before it.
inline constexpr std::size_t kLengthBytes = 8;

/// A tensor and where its elements begin, counted from the end of the header.
struct Entry {
    TensorInfo info;
    std::uint64_t begin = 0;  ///< bytes
};

struct Header {
    std::vector<Entry> entries;                   ///< sorted by name
    std::map<std::string, std::string> metadata;  ///< "__metadata__"
};

/// The JSON text of a header in front of `data_bytes` bytes, under every check of the reference
/// parser and some more: no key twice, no field that the format does not have, printable names.
/// What it returns covers the data exactly, without hole or overlap. Throws Error{input}; `path`
/// goes into messages. Memory: in proportion to the text.
[[nodiscard]] Header parse_header(std::string_view text,
                                  std::uint64_t data_bytes,
                                  const std::string& path);

}  // namespace lipcert::safetensors
