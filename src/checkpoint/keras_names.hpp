#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <memory>
#include <string>

namespace lipcert {

/// Whether every tensor is called vars.N at its end: a Keras 3 .weights.h5.
[[nodiscard]] bool has_keras_names(const Checkpoint& checkpoint);

/// A Keras 3 .weights.h5, whose datasets are called .../vars/0, .../vars/1, seen under names in
/// which layers have numbers: what stands directly in a "layers" is called "decoder", "decoder_1",
/// ... there and "decoder.0", "decoder.1", ... here; leading underscores of attributes fall away.
/// Heads that kernels and biases of an attention keep apart are joined: (width, heads, head width)
/// reads width x all heads, (heads, head width, width) all heads x width. Nothing is turned. Throws
/// Error{input} for two tensors of one name.
[[nodiscard]] std::unique_ptr<Checkpoint> with_keras_names(std::unique_ptr<Checkpoint> below);

/// Whether the tensors are those of a file that Keras 1 or 2, or Keras 3 by model.save("x.h5"),
/// wrote: all lie in "model_weights" or "optimizer_weights", or all are called NAME:0 as
/// TensorFlow's variables are.
[[nodiscard]] bool has_legacy_keras_names(const Checkpoint& checkpoint);

/// Such a file under the names of its variables, which lie in a group of their layer:
/// "model_weights", that group where the variable's name repeats it, and a last ":0" fall away, and
/// layers get numbers: "model_weights/dense_3/dense_3/kernel:0" reads "dense.3.kernel". Heads that
/// an attention keeps apart are joined; nothing is turned. Throws Error{input} for two tensors of
/// one name.
[[nodiscard]] std::unique_ptr<Checkpoint> with_legacy_keras_names(
    std::unique_ptr<Checkpoint> below);

/// "layers.decoder_3._attention._query_dense.vars.0" as
/// "layers.decoder.3.attention.query_dense.vars.0".
[[nodiscard]] std::string keras_name(const std::string& stored);

}  // namespace lipcert
