#include "files/file_transaction.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "files/file_copy.hpp"
#include "files/sha256.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(ErrorKind kind, const fs::path& path, const std::string& message) {
    throw Error(kind, path.string(), message);
}

bool is_same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// What stands at a name of a folder, the link itself where it is one; nothing where nothing does.
std::optional<struct stat> look_at(const Folder& folder, const std::string& name) {
    struct stat status {};

    if (::fstatat(folder.handle.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        return status;
    }
    if (errno != ENOENT) {
        fail_system(folder.path / name, "cannot be looked at", errno);
    }
    return std::nullopt;
}

/// The source, with the links on the way to it resolved: it must not move under us.
fs::path resolved_source(const fs::path& source) {
    std::error_code error;
    fs::path path = fs::canonical(source, error);
    if (error) {
        refuse(ErrorKind::input, source, "cannot be reached (" + error.message() + ")");
    }
    return path;
}

}  // namespace

FileTransaction::FileTransaction(const fs::path& source,
                                 const FileIdentity& opened,
                                 const EditTarget& target)
    : source_path_(resolved_source(source)),
      target_(target),
      workspace_(resolve_place(source, target)) {
    open_source(opened);
    check_target();
    check_space();
    copy_source();
}

fs::path FileTransaction::copy_path() const {
    return workspace_.place().folder / workspace_.place().copy_name();
}

void FileTransaction::open_source(const FileIdentity& opened) {
    source_ = Descriptor(::open(source_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!source_.is_open()) {
        fail_system(source_path_, "cannot be read", errno);
    }
    source_status_ = status_of(source_.get(), source_path_);
    if (!S_ISREG(source_status_.st_mode) || identity_of(source_status_) != opened) {
        refuse(ErrorKind::input,
               source_path_,
               "has changed since it was opened: nothing was written; run the command again");
    }
}

void FileTransaction::check_target() {
    const fs::path path = workspace_.place().path();
    const std::optional<struct stat> found = look_at(workspace_.folder(), workspace_.place().name);
    if (!found) {
        if (!target_.output) {
            refuse(ErrorKind::input, path, "is gone: nothing was written");
        }
        return;
    }
    if (!S_ISREG(found->st_mode)) {
        refuse(ErrorKind::usage, path, "is there and no regular file: name another output");
    }
    if (target_.output && is_same_file(*found, source_status_)) {
        refuse(ErrorKind::usage,
               path,
               "is the checkpoint itself: use --in-place to edit it where it is");
    }
    if (target_.output && !target_.force) {
        refuse(ErrorKind::usage, path, "is there already: use --force to replace it");
    }
    remove_interrupted_backup(*found);
    replaced_ = look_at(workspace_.folder(), workspace_.place().name);
    if (replaced_ && replaced_->st_nlink > 1 && !target_.break_hardlinks) {
        refuse(ErrorKind::usage,
               path,
               fmt::format("has {} names (hard links), and only this one would get the new "
                           "content: use --break-hardlinks if that is meant, or -o",
                           replaced_->st_nlink));
    }
    if (::faccessat(
            workspace_.folder().handle.get(), workspace_.place().name.c_str(), W_OK, AT_EACCESS) !=
        0) {
        fail_system(path, "may not be written, so it is not replaced either", errno);
    }
}

/// The backup is a second name of the old file until the new one takes its first name. Where a kill
/// came in between, that name is ours to remove; any other file in its place is not.
void FileTransaction::remove_interrupted_backup(const struct stat& found) const {
    if (!target_.backup_suffix) {
        return;
    }
    const std::string name = workspace_.place().name + *target_.backup_suffix;
    const std::optional<struct stat> backup = look_at(workspace_.folder(), name);
    if (!backup) {
        return;
    }
    const fs::path path = workspace_.folder().path / name;
    if (!is_same_file(*backup, found)) {
        refuse(ErrorKind::usage,
               path,
               "is there already: remove it or choose another suffix for the backup");
    }
    if (::unlinkat(workspace_.folder().handle.get(), name.c_str(), 0) != 0) {
        fail_system(path, "is left from an interrupted edit and cannot be removed", errno);
    }
}

/// A courtesy: a disk that fills up later is noticed as well.
void FileTransaction::check_space() const {
    constexpr std::uint64_t kMargin = std::uint64_t{1} << 20U;

    struct statvfs space {};

    if (::fstatvfs(workspace_.folder().handle.get(), &space) != 0 || space.f_blocks == 0) {
        return;
    }
    const std::uint64_t needed = static_cast<std::uint64_t>(source_status_.st_size) + kMargin;
    const std::uint64_t free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    if (free < needed) {
        refuse(ErrorKind::input,
               workspace_.folder().path,
               fmt::format("has {} bytes free, and the new file needs {}: free some space, or "
                           "write to another disk with -o",
                           free,
                           needed));
    }
}

void FileTransaction::copy_source() {
    const fs::path path = workspace_.place().path();
    workspace_.create_copy();
    if (replaced_) {
        take_over_owner(copy(), *replaced_, path);  // now, so that hours of work are not in vain
    }
    copy_contents(source_.get(), copy(), static_cast<std::uint64_t>(source_status_.st_size), path);
    old_sha256_ = sha256_of(copy(), copy_path());
    if (identity_of(status_of(source_.get(), source_path_)) != identity_of(source_status_)) {
        refuse(ErrorKind::input,
               source_path_,
               "has changed while it was copied: nothing was written; keep it still");
    }
}

void FileTransaction::seal() {
    sealed_ = identity_of(status_of(copy(), copy_path()));
}

EditResult FileTransaction::commit() {
    const EditPlace& place = workspace_.place();
    if (identity_of(status_of(copy(), copy_path())) != sealed_) {
        refuse(ErrorKind::input, copy_path(), "has been written by another process: start again");
    }
    set_permissions();
    if (::fsync(copy()) != 0) {
        fail_system(place.path(), "its new content cannot be made durable", errno);
    }
    EditResult result{place.path(), old_sha256_, sha256_of(copy(), copy_path()), std::nullopt};
    require_unchanged_source();
    (void)require_unchanged_target();
    std::optional<std::string> backup;
    if (replaced_ && target_.backup_suffix) {
        backup = place.name + *target_.backup_suffix;
        result.backup = place.folder / *backup;
    }
    workspace_.put_in_place(replaced_.has_value(), backup);
    workspace_.finish();
    return result;
}

/// Those of the file that is replaced, as they are by now: to change them is not to change content.
void FileTransaction::set_permissions() {
    const fs::path path = workspace_.place().path();
    const std::optional<struct stat> found = require_unchanged_target();
    if (found) {
        take_over_owner(copy(), *found, path);
        take_over_permissions(copy(), path, *found, path);
    } else {
        set_usual_permissions(copy(), source_status_, path);
    }
}

/// By what the file system says, and by the bytes: its clock may not have ticked.
void FileTransaction::require_unchanged_source() const {
    struct stat named {};

    const bool is_there = ::stat(source_path_.c_str(), &named) == 0;
    if (!is_there || identity_of(named) != identity_of(source_status_) ||
        sha256_of(source_.get(), source_path_) != old_sha256_) {
        refuse(ErrorKind::input,
               source_path_,
               "has changed since it was copied: nothing was written; run the command again");
    }
}

std::optional<struct stat> FileTransaction::require_unchanged_target() const {
    const fs::path path = workspace_.place().path();
    const std::optional<struct stat> found = look_at(workspace_.folder(), workspace_.place().name);
    const bool is_same = found.has_value() == replaced_.has_value() &&
                         (!found || (identity_of(*found) == identity_of(*replaced_) &&
                                     found->st_nlink == replaced_->st_nlink));
    if (!is_same) {
        refuse(ErrorKind::input,
               path,
               "has been changed or made by somebody else meanwhile: nothing was written");
    }
    return found;
}

}  // namespace lipcert
