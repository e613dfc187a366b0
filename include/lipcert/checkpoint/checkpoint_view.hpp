#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// Another checkpoint, which must outlive this, seen with other values: a view says how it reads,
/// and whatever else it shows otherwise.
class CheckpointView : public Checkpoint {
public:
    explicit CheckpointView(const Checkpoint& below) : below_(below) {}

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override {
        return below_.tensors();
    }

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

protected:
    [[nodiscard]] const Checkpoint& below() const { return below_; }

private:
    const Checkpoint& below_;
};

}  // namespace lipcert
