#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <memory>
#include <string>
#include <vector>

namespace lipcert {

/// A tf_model.h5 of Hugging Face, seen under the names and in the layouts of the same model in
/// PyTorch. A dataset lies at group/scope/name; group and scope fall away, "h_._0" reads "h.0", a
/// last "kernel", "gamma" or "embeddings" is a "weight", "beta" a "bias". Kernels are [in, out] and
/// are turned; heads that old files keep apart, (width, heads, head width), are joined; a bias is
/// one row. Everything else stays, GPT-2's "weight" [in, out] among it, as in PyTorch.
class TensorFlowCheckpoint : public Checkpoint {
public:
    /// Throws Error{input} for two tensors of one name and for kernels of another form.
    explicit TensorFlowCheckpoint(std::unique_ptr<Checkpoint> below);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return "tf_model.h5"; }

    [[nodiscard]] std::string path() const override { return below_->path(); }

    [[nodiscard]] std::optional<FileIdentity> identity() const override {
        return below_->identity();
    }

    [[nodiscard]] std::vector<std::string> files() const override { return below_->files(); }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return below_->embedded_configuration();
    }

private:
    struct Source {
        std::string name;  ///< in the file
        bool turned = false;
    };

    std::unique_ptr<Checkpoint> below_;
    std::vector<TensorInfo> tensors_;
    std::vector<Source> sources_;  ///< in the order of tensors_
};

/// Whether every tensor is called group.tf_scope.name:0.
[[nodiscard]] bool has_tensorflow_names(const Checkpoint& checkpoint);

}  // namespace lipcert
