#pragma once

#include "lipcert/files/edit_target.hpp"
#include "lipcert/files/file_identity.hpp"

#include <filesystem>
#include <optional>
#include <sys/stat.h>

#include "files/edit_place.hpp"
#include "files/folder.hpp"

namespace lipcert {

/// Everything about the target of an edit that can be known beforehand: what stands there, links,
/// flags, permissions, the backup's name, space for a copy of `source`. Changes nothing. Returns
/// the file that is to be replaced, if there is one. Throws Error{usage} for what needs a flag or
/// another name, Error{input} for what the system does not let us.
[[nodiscard]] std::optional<struct stat> check_target(const Folder& folder,
                                                      const EditPlace& place,
                                                      const EditTarget& target,
                                                      const struct stat& source);

/// The same before anything is locked or opened for the edit. `opened`: the source when its content
/// was first looked at.
void check_target(const std::filesystem::path& source,
                  const FileIdentity& opened,
                  const EditTarget& target);

}  // namespace lipcert
