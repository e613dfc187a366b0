#pragma once

#include <string_view>

namespace lipcert {

/// TensorInfo::stored_type of 2-byte values that the file gives no type for, read as early Keras 3
/// wrote bfloat16: worth a warning.
inline constexpr std::string_view kAssumedBfloat16 = "bfloat16, not so stated, as opaque[2]";

}  // namespace lipcert
