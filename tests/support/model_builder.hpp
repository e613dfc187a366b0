#pragma once

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "support/random.hpp"

namespace lipcert::test {

/// Tensors on their way into a checkpoint, by name; tests add, change and erase before it is built.
struct TinyTensors {
    std::map<std::string, Matrix> matrices;
    std::map<std::string, Vector> vectors;
    /// Of matrices that are stored with more than two dimensions.
    std::map<std::string, std::vector<std::size_t>> shapes = {};
};

/// A tiny random model in the layout of a real family, with the configuration of that family.
struct TinyModel {
    std::unique_ptr<MemoryCheckpoint> checkpoint;
    Configuration configuration;
};

/// What every family has. A weight matrix has independent normal entries of deviation
/// weight_gain / sqrt(inputs), a bias normal entries of deviation bias_gain, a norm's weight
/// 1 + norm_gain * normal, an embedding (token or position) deviation embedding_gain.
struct TinyOptions {
    std::size_t layers = 2;
    std::size_t width = 8;
    std::size_t heads = 2;
    std::size_t vocabulary = 11;
    double weight_gain = 1.0;
    double bias_gain = 0.1;
    double norm_gain = 0.1;
    double embedding_gain = 1.0;
    /// Runs over the tensors just before they become the checkpoint.
    std::function<void(TinyTensors&)> edit = {};
    /// Runs over the configuration just before it is attached.
    std::function<void(nlohmann::json&)> configure = {};
};

/// Llama as Hugging Face stores it: model.layers.{i}.self_attn.q_proj.weight, ... [out, in].
struct LlamaOptions : TinyOptions {
    std::size_t key_value_heads = 1;
    std::size_t head_width = 0;  ///< 0: width / heads, and "head_dim" is left out of the config
    std::size_t inner_width = 12;
    bool attention_biases = false;
    bool tied = true;  ///< false: lm_head.weight is stored
    double epsilon = 1e-5;
    std::string activation = "silu";
};

/// GPT-2 as Hugging Face stores it: Conv1D weights [in, out], biases, learned positions.
struct Gpt2Options : TinyOptions {
    std::size_t inner_width = 0;  ///< 0: 4 * width, and "n_inner" is null
    std::size_t positions = 16;
    std::string prefix = "transformer.";
    bool lm_head_stored = false;  ///< as a copy of wte.weight: the model is tied
    double epsilon = 1e-5;
    std::string activation = "gelu_new";
};

/// nanoGPT: the same names, but nn.Linear weights [out, in]; biases everywhere or nowhere; epsilon
/// 1e-5 and the erf GELU are fixed in its class.
struct NanoGptOptions : TinyOptions {
    std::size_t positions = 16;
    std::string prefix = "transformer.";
    bool biases = true;
    bool lm_head_stored = true;  ///< as a copy of wte.weight: the model is tied
};

/// The lipschitz-transformer layout of docs/checkpoints.md.
struct LipschitzOptions : TinyOptions {
    std::size_t inner_width = 16;
    double softmax_scale = 1.0;
    double attention_output_scale = 1.0 / 3.0;
    std::string activation = "gelu";
    double activation_scale = 1.0 / 1.1289;
    double residual_scale = 1.0;
    std::optional<double> final_scale;                             ///< nothing: left out (1)
    nlohmann::json rope = {{"base", 10000.0}, {"fraction", 1.0}};  ///< or null
    std::string norm = "none";                                     ///< "rmsnorm", "layernorm"
    double norm_epsilon = 1e-5;                                    ///< written unless "none"
    std::optional<bool> causal;                                    ///< nothing: left out (true)
};

[[nodiscard]] TinyModel tiny_llama(Random& random, const LlamaOptions& options = {});
[[nodiscard]] TinyModel tiny_gpt2(Random& random, const Gpt2Options& options = {});
[[nodiscard]] TinyModel tiny_nanogpt(Random& random, const NanoGptOptions& options = {});
[[nodiscard]] TinyModel tiny_lipschitz_transformer(Random& random,
                                                   const LipschitzOptions& options = {});

/// A checkpoint of these tensors, with `values` as its configuration (source "config.json"; also
/// embedded as text, as in files that carry their own).
[[nodiscard]] TinyModel make_model(const TinyTensors& tensors, nlohmann::json values);

}  // namespace lipcert::test
