#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <memory>
#include <string>
#include <vector>

namespace lipcert {

/// A Keras 3 .weights.h5, whose datasets are called .../vars/0, .../vars/1, seen under names in
/// which layers have numbers: what stands directly in a "layers" is called "decoder", "decoder_1",
/// ... there and "decoder.0", "decoder.1", ... here; leading underscores of attributes fall away.
/// Heads that kernels and biases of an attention keep apart are joined: (width, heads, head width)
/// reads width x all heads, (heads, head width, width) all heads x width. Nothing is turned.
class KerasCheckpoint : public Checkpoint {
public:
    /// Throws Error{input} for two tensors of one name.
    explicit KerasCheckpoint(std::unique_ptr<Checkpoint> below);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return "keras weights.h5"; }

    [[nodiscard]] std::string path() const override { return below_->path(); }

    [[nodiscard]] std::optional<FileIdentity> identity() const override {
        return below_->identity();
    }

    [[nodiscard]] std::vector<std::string> files() const override { return below_->files(); }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return below_->embedded_configuration();
    }

private:
    std::unique_ptr<Checkpoint> below_;
    std::vector<TensorInfo> tensors_;
    std::vector<std::string> stored_names_;  ///< in the order of tensors_
};

/// Whether every tensor is called vars.N at its end.
[[nodiscard]] bool has_keras_names(const Checkpoint& checkpoint);

/// "layers.decoder_3._attention._query_dense.vars.0" as
/// "layers.decoder.3.attention.query_dense.vars.0".
[[nodiscard]] std::string keras_name(const std::string& stored);

}  // namespace lipcert
