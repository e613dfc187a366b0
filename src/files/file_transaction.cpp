#include "files/file_transaction.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "files/file_copy.hpp"
#include "files/sha256.hpp"
#include "files/target_check.hpp"

namespace lipcert {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(ErrorKind kind, const fs::path& path, const std::string& message) {
    throw Error(kind, path.string(), message);
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
    replaced_ = check_target(workspace_.folder(), workspace_.place(), target_, source_status_);
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
    sealed_sha256_ = sha256_of(copy(), copy_path());
}

/// By what the file system says, and by the bytes, whose hash is `sha256`.
void FileTransaction::require_sealed_copy(const std::string& sha256) const {
    if (identity_of(status_of(copy(), copy_path())) != sealed_ || sha256 != sealed_sha256_) {
        refuse(ErrorKind::input, copy_path(), "has been written by another process: start again");
    }
}

EditResult FileTransaction::commit() {
    const EditPlace& place = workspace_.place();
    set_permissions();
    if (::fsync(copy()) != 0) {
        fail_system(place.path(), "its new content cannot be made durable", errno);
    }
    EditResult result{place.path(), old_sha256_, sha256_of(copy(), copy_path()), std::nullopt};
    require_sealed_copy(result.new_sha256);
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
    const std::optional<struct stat> found = workspace_.folder().look_at(workspace_.place().name);
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
