#pragma once

#include "lipcert/certificate/evidence.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <map>
#include <string>
#include <vector>

namespace lipcert {

/// A checkpoint that takes the digest of every tensor when it is first read. `below` must outlive
/// it.
class HashingCheckpoint : public Checkpoint {
public:
    explicit HashingCheckpoint(const Checkpoint& below) : below_(below) {}

    /// Of what has been read so far, sorted by name.
    [[nodiscard]] std::vector<TensorDigest> digests() const;

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
    mutable std::map<std::string, TensorDigest> digests_;
};

}  // namespace lipcert
