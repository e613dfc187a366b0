#pragma once

#include <filesystem>
#include <string_view>

namespace lipcert {

/// Whether a file of this name is taken for a checkpoint: .safetensors, .h5, .hdf5, .keras.
[[nodiscard]] bool is_checkpoint_name(std::string_view name);

/// Whether it is taken for an index of shards: these with .index.json, or .weights.json of Keras.
[[nodiscard]] bool is_index_name(std::string_view name);

/// The file that MODEL stands for: itself, or in a folder its only index of shards, or else its
/// only checkpoint. Names decide here; what the file holds is seen when it is opened. Throws
/// Error{input} where a folder has none, or several of which nothing says which is meant.
[[nodiscard]] std::filesystem::path model_file(const std::filesystem::path& model);

}  // namespace lipcert
