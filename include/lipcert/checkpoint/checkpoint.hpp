#pragma once

#include "lipcert/files/file_identity.hpp"
#include "lipcert/tensor/matrix.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert {

/// A stored model: named tensors that are read one at a time. Implementations refuse what they
/// cannot read exactly; nothing non-finite ever leaves `read`.
class Checkpoint {
public:
    Checkpoint() = default;
    Checkpoint(const Checkpoint&) = delete;
    Checkpoint& operator=(const Checkpoint&) = delete;
    Checkpoint(Checkpoint&&) = delete;
    Checkpoint& operator=(Checkpoint&&) = delete;
    virtual ~Checkpoint() = default;

    /// Every tensor, sorted by name, names unique.
    [[nodiscard]] virtual const std::vector<TensorInfo>& tensors() const = 0;

    /// The values of `tensor`, exact in double: rank 0 as 1 x 1, rank 1 as n x 1, rank r >= 2 as
    /// shape[0] x (product of the rest). Throws Error{input} that names file, tensor and, for a
    /// non-finite value, its index.
    [[nodiscard]] virtual Matrix read(const TensorInfo& tensor) const = 0;

    /// "hdf5", "safetensors", ...
    [[nodiscard]] virtual std::string format() const = 0;
    /// Where it came from, for messages.
    [[nodiscard]] virtual std::string path() const = 0;

    /// The file as it was when it was opened; nothing for a checkpoint that is no file.
    [[nodiscard]] virtual std::optional<FileIdentity> identity() const { return std::nullopt; }

    /// Every file that the tensors come from, and the index that names them: what a certificate's
    /// hash covers and what must not change meanwhile. Empty for a checkpoint that is no file.
    [[nodiscard]] virtual std::vector<std::string> files() const {
        return identity() ? std::vector<std::string>{path()} : std::vector<std::string>{};
    }

    /// The JSON text of the configuration that the file itself carries, if any.
    [[nodiscard]] virtual std::optional<std::string> embedded_configuration() const = 0;

    /// What the file itself says that shows that its matrices may be stored the other way round
    /// than the names of built-in families suggest; nothing where there is no such statement.
    [[nodiscard]] virtual std::optional<std::string> foreign_convention() const {
        return std::nullopt;
    }

    /// nullptr where there is no such tensor.
    [[nodiscard]] const TensorInfo* find(std::string_view name) const;
};

/// Opens `path` by what it holds, not by its extension: a file, an index of shards, or a folder
/// with one of these. Throws Error{input} that says what was found where it is nothing that lipcert
/// reads.
[[nodiscard]] std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& path);

}  // namespace lipcert
