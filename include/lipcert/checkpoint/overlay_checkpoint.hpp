#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <map>
#include <string>

namespace lipcert {

/// A checkpoint seen through replacements of some of its tensors, which are held in memory in their
/// stored type. Everything else is read from the checkpoint below, which must outlive this one.
class OverlayCheckpoint : public Checkpoint {
public:
    explicit OverlayCheckpoint(const Checkpoint& below) : below_(below) {}

    /// The last replacement of a tensor counts. Throws Error{internal} where the tensor is unknown
    /// or type or shape differ.
    void replace(const std::string& tensor, StoredValues values);

    [[nodiscard]] const std::map<std::string, StoredValues, std::less<>>& replacements() const {
        return replacements_;
    }

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override {
        return below_.tensors();
    }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return below_.format(); }

    [[nodiscard]] std::string path() const override { return below_.path(); }

    [[nodiscard]] std::optional<FileIdentity> identity() const override {
        return below_.identity();
    }

    [[nodiscard]] std::vector<std::string> files() const override { return below_.files(); }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return below_.embedded_configuration();
    }

    [[nodiscard]] std::optional<std::string> foreign_convention() const override {
        return below_.foreign_convention();
    }

private:
    const Checkpoint& below_;
    std::map<std::string, StoredValues, std::less<>> replacements_;
};

}  // namespace lipcert
