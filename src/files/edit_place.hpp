#pragma once

#include "lipcert/files/edit_target.hpp"

#include <filesystem>
#include <string>

namespace lipcert {

/// The file that is to be made or replaced, every symbolic link on the way to it resolved.
struct EditPlace {
    std::filesystem::path folder;
    std::string name;

    [[nodiscard]] std::filesystem::path path() const { return folder / name; }

    /// The copy that becomes the file, and the lock that keeps a second writer away; in the same
    /// folder, so that one rename puts the copy in place.
    [[nodiscard]] std::string copy_name() const { return "." + name + ".lipcert-new"; }

    [[nodiscard]] std::string lock_name() const { return "." + name + ".lipcert-lock"; }
};

/// Where an edit of `source` goes. Throws Error{usage} for an output that names no file,
/// Error{input} for a symbolic link that leads nowhere and a folder that does not exist.
[[nodiscard]] EditPlace resolve_place(const std::filesystem::path& source,
                                      const EditTarget& target);

}  // namespace lipcert
