#pragma once

#include "lipcert/capping/cap_items.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <vector>

namespace lipcert {

/// A checkpoint whose items look as if `normalize` had brought them under their limits, in floating
/// point and not rounded to the stored type: what plans are tried on, never what is certified.
class ShrunkCheckpoint : public Checkpoint {
public:
    /// `norms`: sigma_1 (or the largest row) of each item.
    ShrunkCheckpoint(const Checkpoint& below, std::vector<CapItem> items, std::vector<double> norms)
        : below_(below), items_(std::move(items)), norms_(std::move(norms)) {}

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override {
        return below_.tensors();
    }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return below_.format(); }

    [[nodiscard]] std::string path() const override { return below_.path(); }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return below_.embedded_configuration();
    }

private:
    const Checkpoint& below_;
    std::vector<CapItem> items_;
    std::vector<double> norms_;
};

}  // namespace lipcert
