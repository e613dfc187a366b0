#pragma once

#include <cstdint>

namespace lipcert {

/// Which file, and which state of it, as far as the file system tells. Two equal identities are a
/// sign, not a proof, that nobody has written in between: the clock of a file system ticks every
/// few milliseconds.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;     ///< bytes
    std::int64_t modified = 0;  ///< nanoseconds since 1970

    bool operator==(const FileIdentity&) const = default;
};

}  // namespace lipcert
