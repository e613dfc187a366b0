#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace lipcert::test {

/// Writes a Llama of PyTorch's names as KerasHub stores it; `front` is "layers/" for a backbone,
/// "layers/llama_backbone/layers/" for a task around one. Gives what config.json says of the
/// backbone.
[[nodiscard]] nlohmann::json write_keras_llama(const Checkpoint& model,
                                               const nlohmann::json& settings,
                                               const std::filesystem::path& file,
                                               const std::string& front = "layers/");
/// The same for a Mistral, whose layers are those of Llama under other names.
[[nodiscard]] nlohmann::json write_keras_mistral(const Checkpoint& model,
                                                 const nlohmann::json& settings,
                                                 const std::filesystem::path& file);
/// The same for a GPT-2 with biases, without its unembedding.
[[nodiscard]] nlohmann::json write_keras_gpt2(const Checkpoint& model,
                                              const nlohmann::json& settings,
                                              const std::filesystem::path& file);

/// The datasets of a .weights.h5 in two shards with their index, which Keras calls
/// model.weights.json; the first variable lies in the first shard, the second in the second, ...
[[nodiscard]] std::filesystem::path write_keras_shards(const std::filesystem::path& weights,
                                                       const std::filesystem::path& folder);

/// A zip archive of (name, bytes), stored or deflated.
std::filesystem::path write_zip(const std::filesystem::path& path,
                                const std::vector<std::pair<std::string, std::string>>& members,
                                bool deflated = false);

}  // namespace lipcert::test
