#pragma once

#include "lipcert/checkpoint/checkpoint_view.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <map>
#include <string>

namespace lipcert {

/// A checkpoint seen through replacements of some of its tensors, which are held in memory in their
/// stored type. Everything else is read from the checkpoint below, which must outlive this one.
class OverlayCheckpoint : public CheckpointView {
public:
    explicit OverlayCheckpoint(const Checkpoint& below) : CheckpointView(below) {}

    /// The last replacement of a tensor counts. Throws Error{internal} where the tensor is unknown
    /// or type or shape differ.
    void replace(const std::string& tensor, StoredValues values);

    [[nodiscard]] const std::map<std::string, StoredValues, std::less<>>& replacements() const {
        return replacements_;
    }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

private:
    std::map<std::string, StoredValues, std::less<>> replacements_;
};

}  // namespace lipcert
