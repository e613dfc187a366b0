#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/shard_index.hpp"

namespace lipcert {

/// One model in several files, held together by an index. Every tensor lies in exactly one shard,
/// the one that the index names, and the index names every tensor.
class ShardedCheckpoint : public Checkpoint {
public:
    /// `open` opens one shard. Throws Error{input} where index and shards disagree.
    using Open = std::function<std::unique_ptr<Checkpoint>(const std::filesystem::path&)>;
    ShardedCheckpoint(const ShardIndex& index, const Open& open);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    /// "safetensors shards", "hdf5 shards", "mixed shards".
    [[nodiscard]] std::string format() const override { return format_; }

    /// The index.
    [[nodiscard]] std::string path() const override { return path_; }

    /// Of all files together.
    [[nodiscard]] std::optional<FileIdentity> identity() const override { return identity_; }

    /// The index, then the shards by name.
    [[nodiscard]] std::vector<std::string> files() const override;

    /// What the shards that carry one agree on.
    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return configuration_;
    }

    [[nodiscard]] std::optional<std::string> foreign_convention() const override;

private:
    void take_tensors();
    void require_as_indexed(const ShardIndex& index) const;
    /// Positions in tensors_ of what the index calls `name`.
    [[nodiscard]] std::vector<std::size_t> named(const std::string& name) const;
    void take_configuration(const Checkpoint& shard);

    std::string path_;
    FileIdentity identity_;
    std::string format_;
    std::vector<std::unique_ptr<Checkpoint>> shards_;
    std::vector<std::string> shard_names_;
    std::vector<TensorInfo> tensors_;
    std::vector<std::size_t> shard_of_;  ///< in the order of tensors_
    std::optional<std::string> configuration_;
    std::string quantised_;
};

/// One for several files, in their order: another where any of theirs is another. That of one file
/// is its own.
[[nodiscard]] FileIdentity joined_identity(const std::vector<FileIdentity>& files);

}  // namespace lipcert
