#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace lipcert {

struct ZipMember {
    std::uint64_t size = 0;    ///< bytes once unpacked, as the archive states it
    std::uint64_t packed = 0;  ///< bytes in the archive
};

/// Those of `wanted` that a zip archive holds. libzip looks at it in a confined process. Throws
/// Error{input} for an archive whose parts contradict each other, a wanted member that is there
/// twice, is encrypted, is neither stored nor deflated, or states over 4 GiB and over 100 times the
/// bytes that it has in the archive.
[[nodiscard]] std::map<std::string, ZipMember> find_in_zip(const std::filesystem::path& archive,
                                                           const std::vector<std::string>& wanted);

/// Unpacks a member into memory that is shared with child processes, in such a process. Throws
/// Error{input} where the member does not have just as many bytes, or another checksum than stated.
void unpack_from_zip(const std::filesystem::path& archive,
                     const std::string& member,
                     std::span<std::byte> shared);

}  // namespace lipcert
