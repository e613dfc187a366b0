#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lipcert {

/// The bytes of a file, read where and as far as they are asked for.
struct ByteSource {
    std::uint64_t size = 0;
    /// Fills the buffer from this offset on; both lie within `size`.
    std::function<void(std::uint64_t, std::span<std::byte>)> read;
};

/// A safetensors file: a length, a JSON header, the elements. Only the header is held in memory;
/// elements are read at their positions, so that a file that is cut meanwhile is an error and no
/// signal.
class SafetensorsCheckpoint : public Checkpoint {
public:
    /// Throws Error{input} for whatever docs/checkpoints.md says is refused.
    SafetensorsCheckpoint(ByteSource bytes, std::string path, std::optional<FileIdentity> identity);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return "safetensors"; }

    [[nodiscard]] std::string path() const override { return path_; }

    [[nodiscard]] std::optional<FileIdentity> identity() const override { return identity_; }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> foreign_convention() const override;

    /// Where the first element lies in the file. Throws Error{input} where there is no such tensor.
    [[nodiscard]] std::uint64_t offset_of(const TensorInfo& tensor) const;

private:
    [[nodiscard]] const TensorInfo& known(const TensorInfo& tensor) const;

    ByteSource bytes_;
    std::string path_;
    std::optional<FileIdentity> identity_;
    std::vector<TensorInfo> tensors_;
    std::vector<std::uint64_t> offsets_;  ///< in the file, in the order of tensors_
    std::string stated_format_;           ///< "pt", "tf", ...; empty where nothing is stated
    std::string quantised_;               ///< the tensor that shows it; empty: none does
};

/// Whether bytes can be meant as safetensors: a binary length, then JSON.
[[nodiscard]] bool begins_as_safetensors(std::string_view head);

[[nodiscard]] std::unique_ptr<SafetensorsCheckpoint> open_safetensors_file(
    const std::filesystem::path& path);

/// The same for a file in memory (tests, fuzzers).
[[nodiscard]] std::unique_ptr<SafetensorsCheckpoint> open_safetensors_image(
    std::span<const std::byte> bytes);

}  // namespace lipcert
