#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert {

/// What a stored element is. The four floating-point types convert to double exactly.
enum class DataType {
    float16,
    bfloat16,
    float32,
    float64,
    unsupported  ///< present in the file, never given a number; `TensorInfo::stored_type` names it
};

[[nodiscard]] std::string_view name_of(DataType type);

/// A tensor as it stands in a checkpoint, without its values.
struct TensorInfo {
    std::string name;  ///< canonical: path components joined by '.'
    std::vector<std::size_t>
        shape;  ///< empty for a scalar; the product is checked against overflow
    DataType type = DataType::unsupported;
    std::string stored_type;  ///< as the file describes it: "float32", "int64", "opaque[2]", ...
    std::uint64_t stored_bytes = 0;
    /// "chunks of 64 x 64, shuffle, gzip"; empty where the bytes lie as they are.
    std::string packing = {};
};

[[nodiscard]] std::size_t element_count(const TensorInfo& tensor);
/// How many rows the last dimension cuts the elements into; 0 where it is empty, 1 for a scalar.
[[nodiscard]] std::size_t row_count(const TensorInfo& tensor);
/// "50257 x 768"; "scalar" for rank 0.
[[nodiscard]] std::string shape_text(const TensorInfo& tensor);
/// A float tensor with two or more dimensions: a weight that a certificate must account for.
[[nodiscard]] bool is_float_matrix(const TensorInfo& tensor);

}  // namespace lipcert
