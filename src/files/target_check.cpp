#include "files/target_check.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(ErrorKind kind, const fs::path& path, const std::string& message) {
    throw Error(kind, path.string(), message);
}

/// Whether the backup's name leads to the file that is replaced: a kill came between the second
/// name and the new content, or the user made it. It is the backup already. Any other file at that
/// name is refused.
bool has_backup(const Folder& folder,
                const EditPlace& place,
                const EditTarget& target,
                const struct stat& found) {
    if (!target.backup_suffix) {
        return false;
    }
    const std::string name = place.name + *target.backup_suffix;
    const std::optional<struct stat> backup = folder.look_at(name);
    if (backup && !is_same_file(*backup, found)) {
        refuse(ErrorKind::usage,
               folder.path / name,
               "is there already: remove it or choose another suffix for the backup");
    }
    return backup.has_value();
}

/// What stands at the target may be replaced.
void check_replaced(const Folder& folder,
                    const EditPlace& place,
                    const EditTarget& target,
                    const struct stat& found) {
    const nlink_t names = found.st_nlink - (has_backup(folder, place, target, found) ? 1 : 0);
    if (names > 1 && !target.break_hardlinks) {
        refuse(ErrorKind::usage,
               place.path(),
               fmt::format("has {} names (hard links), and only this one would get the new "
                           "content: use --break-hardlinks if that is meant, or -o",
                           found.st_nlink));
    }
    if (::faccessat(folder.handle.get(), place.name.c_str(), W_OK, AT_EACCESS) != 0) {
        fail_system(place.path(), "may not be written, so it is not replaced either", errno);
    }
}

/// A courtesy: a disk that fills up later is noticed as well.
void check_space(const Folder& folder, const struct stat& source) {
    constexpr std::uint64_t kMargin = std::uint64_t{1} << 20U;

    struct statvfs space {};

    if (::fstatvfs(folder.handle.get(), &space) != 0 || space.f_blocks == 0) {
        return;
    }
    const std::uint64_t needed = static_cast<std::uint64_t>(source.st_size) + kMargin;
    const std::uint64_t free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    if (free < needed) {
        refuse(ErrorKind::input,
               folder.path,
               fmt::format("has {} bytes free, and the new file needs {}: free some space, or "
                           "write to another disk with -o",
                           free,
                           needed));
    }
}

}  // namespace

std::optional<struct stat> check_target(const Folder& folder,
                                        const EditPlace& place,
                                        const EditTarget& target,
                                        const struct stat& source) {
    const fs::path path = place.path();
    const std::optional<struct stat> found = folder.look_at(place.name);
    if (!found && !target.output) {
        refuse(ErrorKind::input, path, "is gone: nothing was written");
    }
    if (found) {
        if (!S_ISREG(found->st_mode)) {
            refuse(ErrorKind::usage, path, "is there and no regular file: name another output");
        }
        if (target.output && is_same_file(*found, source)) {
            refuse(ErrorKind::usage,
                   path,
                   "is the checkpoint itself: use --in-place to edit it where it is");
        }
        if (target.output && !target.force) {
            refuse(ErrorKind::usage, path, "is there already: use --force to replace it");
        }
        check_replaced(folder, place, target, *found);
    }
    check_space(folder, source);
    return found;
}

void check_target(const fs::path& source, const FileIdentity& opened, const EditTarget& target) {
    const EditPlace place = resolve_place(source, target);
    const Folder folder(place.folder);
    if (::faccessat(folder.handle.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
        fail_system(folder.path, "no file can be made in this folder", errno);
    }

    struct stat status {};

    if (::stat(source.c_str(), &status) != 0 || identity_of(status) != opened) {
        refuse(ErrorKind::input, source, "has changed since it was opened: run the command again");
    }
    (void)check_target(folder, place, target, status);
}

}  // namespace lipcert
