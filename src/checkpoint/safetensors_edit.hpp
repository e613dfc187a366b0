#pragma once

#include <filesystem>
#include <memory>

#include "checkpoint/edited_format.hpp"

namespace lipcert {

/// An edit of a safetensors file: elements are overwritten where they lie, nothing else moves.
[[nodiscard]] std::unique_ptr<EditedFormat> edited_safetensors(const std::filesystem::path& path);

}  // namespace lipcert
