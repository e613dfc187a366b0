#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <memory>

namespace lipcert {

/// Whether every tensor is called group.tf_scope.name:0: a tf_model.h5 of Hugging Face.
[[nodiscard]] bool has_tensorflow_names(const Checkpoint& checkpoint);

/// Whether every tensor is called name:0: shards of such a model, whose names lack group and scope.
[[nodiscard]] bool has_tensorflow_shard_names(const Checkpoint& checkpoint);

/// A tf_model.h5 of Hugging Face, or its shards, seen under the names and in the layouts of the
/// same model in PyTorch. A dataset lies at group/scope/name, in shards at name; group and scope
/// fall away, "h_._0" reads "h.0", a last "kernel", "gamma" or "embeddings" is a "weight", "beta" a
/// "bias". Kernels are [in, out] and are turned; heads that old files keep apart, (width, heads,
/// head width), are joined; a bias is one row. Everything else stays, GPT-2's "weight" [in, out]
/// among it, as in PyTorch. Throws Error{input} for two tensors of one name and for kernels of
/// another form.
[[nodiscard]] std::unique_ptr<Checkpoint> with_tensorflow_names(std::unique_ptr<Checkpoint> below);

}  // namespace lipcert
