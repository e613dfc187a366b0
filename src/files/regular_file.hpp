#pragma once

#include "lipcert/files/file_identity.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "files/descriptor.hpp"

namespace lipcert {

/// A regular file, open for reading. A folder, pipe, socket or device is refused before it is
/// opened, since opening one may block for ever. Throws Error{input} with a sentence for each.
class RegularFile {
public:
    explicit RegularFile(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] std::uint64_t size() const { return identity_.size; }

    [[nodiscard]] int descriptor() const { return file_.get(); }

    /// As it was when the file was opened.
    [[nodiscard]] const FileIdentity& identity() const { return identity_; }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    [[nodiscard]] std::string read(std::uint64_t offset, std::size_t count) const;
    /// Fills `buffer`. Throws Error{input} where the file ends before that.
    void read_into(std::uint64_t offset, std::span<std::byte> buffer) const;

private:
    std::filesystem::path path_;
    Descriptor file_;
    FileIdentity identity_;
};

}  // namespace lipcert
