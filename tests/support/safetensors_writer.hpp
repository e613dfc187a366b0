#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert::test {

/// A tensor of a safetensors file, byte for byte.
struct RawTensor {
    std::string name;
    std::string type;  ///< "F32", ...
    std::vector<std::size_t> shape;
    std::string bytes;
};

/// A safetensors file of these tensors, one behind the other.
[[nodiscard]] std::string safetensors_bytes(
    const std::vector<RawTensor>& tensors, const std::map<std::string, std::string>& metadata = {});

/// The length, this header, this data: whatever they are.
[[nodiscard]] std::string safetensors_with_header(std::string_view header, std::string_view data);

/// The tensors of `source` that `wanted` takes, each rounded to `type`; none: in its own type.
[[nodiscard]] std::vector<RawTensor> tensors_of(
    const Checkpoint& source,
    std::optional<DataType> type = std::nullopt,
    const std::function<bool(const TensorInfo&)>& wanted = [](const TensorInfo&) { return true; });

}  // namespace lipcert::test
