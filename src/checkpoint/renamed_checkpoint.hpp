#pragma once

#include "lipcert/checkpoint/checkpoint_view.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lipcert {

/// A tensor as a view shows it.
struct RenamedTensor {
    TensorInfo info;      ///< of as many elements as the stored one
    bool turned = false;  ///< the stored matrix is the transpose of what is shown
};

/// How a view shows the tensors of a file.
struct Renaming {
    std::string format;  ///< Checkpoint::format of the view
    /// Throws Error{input} for a tensor that the view cannot show.
    std::function<RenamedTensor(const TensorInfo& stored)> show;
    std::string twin_reason;  ///< why two tensors may get one name: "once layers are numbered"
};

/// Another checkpoint under other names and shapes; everything else is that of the one below.
class RenamedCheckpoint : public CheckpointView {
public:
    /// Throws Error{input} for two tensors of one name.
    RenamedCheckpoint(std::unique_ptr<Checkpoint> below, const Renaming& renaming);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return format_; }

private:
    struct Source {
        std::string name;  ///< in the file
        bool turned = false;
    };

    std::unique_ptr<Checkpoint> owned_;
    std::string format_;
    std::vector<TensorInfo> tensors_;
    std::vector<Source> sources_;  ///< in the order of tensors_
};

}  // namespace lipcert
