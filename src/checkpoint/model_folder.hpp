#pragma once

#include <filesystem>

namespace lipcert {

/// The file that MODEL stands for: itself, or in a folder its only index of shards, or else its
/// only checkpoint. Names decide here (.safetensors, .h5, .hdf5, and these with .index.json); what
/// the file holds is seen when it is opened. Throws Error{input} where a folder has none, or
/// several of which nothing says which is meant.
[[nodiscard]] std::filesystem::path model_file(const std::filesystem::path& model);

}  // namespace lipcert
