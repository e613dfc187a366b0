#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert::safetensors {

/// One tensor as the header states it; nothing but the form of the JSON has been checked.
struct StatedTensor {
    std::string name;
    std::optional<std::string> type;
    std::optional<std::vector<std::uint64_t>> shape;
    std::optional<std::vector<std::uint64_t>> offsets;
};

struct StatedHeader {
    std::vector<StatedTensor> tensors;  ///< in the order of the text
    std::map<std::string, std::string> metadata;
};

/// Reads {"name": {"dtype": text, "shape": [whole...], "data_offsets": [whole...]}, "__metadata__":
/// {text: text}} event by event, so that no text makes more of itself than it is. Throws
/// Error{input} for any other form, a key that stands twice, numbers with sign, point or exponent,
/// more than 8 dimensions, more than a million tensors.
[[nodiscard]] StatedHeader read_header_json(std::string_view text, const std::string& path);

}  // namespace lipcert::safetensors
