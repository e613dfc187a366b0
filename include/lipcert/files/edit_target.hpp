#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lipcert {

/// Where an edited checkpoint goes.
struct EditTarget {
    std::optional<std::filesystem::path> output;  ///< none: in place of the source
    bool force = false;                           ///< an existing output may be replaced
    bool break_hardlinks = false;  ///< in place although the file has other names, which keep the
                                   ///< old content
    std::optional<std::string> backup_suffix;  ///< keep the old file under this suffix
};

/// What a finished edit did.
struct EditResult {
    std::filesystem::path path;  ///< the file that now holds the new content
    std::string old_sha256, new_sha256;
    std::optional<std::filesystem::path> backup;
};

}  // namespace lipcert
