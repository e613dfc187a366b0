#pragma once

#include "lipcert/certificate/evidence.hpp"
#include "lipcert/checkpoint/checkpoint_view.hpp"

#include <map>
#include <string>
#include <vector>

namespace lipcert {

/// A checkpoint that takes the digest of every tensor when it is first read. `below` must outlive
/// it.
class HashingCheckpoint : public CheckpointView {
public:
    explicit HashingCheckpoint(const Checkpoint& below) : CheckpointView(below) {}

    /// Of what has been read so far, sorted by name.
    [[nodiscard]] std::vector<TensorDigest> digests() const;

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

private:
    mutable std::map<std::string, TensorDigest> digests_;
};

}  // namespace lipcert
