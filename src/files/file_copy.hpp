#pragma once

#include <filesystem>

#include "files/descriptor.hpp"

namespace lipcert {

/// Copies the content of `from`, which has `size` bytes, to the empty file `to`: shared where the
/// file system can, else inside the kernel, else through memory. Throws Error{input} on behalf of
/// `path`, the file that shall be made.
void copy_contents(int from, int to, std::uint64_t size, const std::filesystem::path& path);

/// Gives `file` the owner and group of `model`. Throws Error{input} where the system does not let
/// us.
void take_over_owner(int file, const struct stat& model, const std::filesystem::path& path);

/// Gives `file` the permissions and the extended attributes (access control lists among them) of
/// the file `model`, which are those of `status`. Attributes of the system's security modules are
/// kept where it lets us. Throws Error{input} for any other that cannot be kept.
void take_over_permissions(int file,
                           const std::filesystem::path& model,
                           const struct stat& status,
                           const std::filesystem::path& path);

/// Gives a new file the permissions of the file it was made from, without those that the process
/// denies to new files (umask).
void set_usual_permissions(int file, const struct stat& source, const std::filesystem::path& path);

}  // namespace lipcert
