#include "files/edit_workspace.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace lipcert {

EditWorkspace::EditWorkspace(EditPlace place) : place_(std::move(place)), folder_(place_.folder) {
    cleanup_.emplace(folder_.handle.get());
    const SignalPause pause;
    lock_.emplace(folder_, place_.lock_name(), place_.path());
    cleanup_->add_lock({place_.lock_name(), lock_->file()});
    remove(place_.copy_name());
}

EditWorkspace::~EditWorkspace() {
    const SignalPause pause;
    if (is_copy_left_ && is_copy_in_place()) {
        ::unlinkat(folder_.handle.get(), place_.copy_name().c_str(), 0);
    }
    unlock();
}

void EditWorkspace::create_copy() {
    constexpr mode_t kOwnerOnly = 0600;
    const SignalPause pause;
    copy_ = Descriptor(::openat(folder_.handle.get(),
                                place_.copy_name().c_str(),
                                O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                                kOwnerOnly));
    if (!copy_.is_open()) {
        fail_system(folder_.path, "no file can be made in this folder", errno);
    }
    is_copy_left_ = true;
    cleanup_->add_copy({place_.copy_name(), copy_.get()});
}

bool EditWorkspace::is_copy_in_place() const {
    return leads_to(folder_.handle.get(), place_.copy_name().c_str(), copy_.get());
}

void EditWorkspace::put_in_place(bool replaces, const std::optional<std::string>& backup) {
    const SignalPause pause;
    if (!is_copy_in_place()) {
        throw Error(ErrorKind::input,
                    place_.path().string(),
                    "another process has removed or replaced the copy beside it, which was about "
                    "to become this file: nothing was written; let one edit end before the next");
    }
    const bool is_backup_new = replaces && backup && make_backup(*backup);
    const int error_number = rename_copy(replaces);
    if (error_number == 0) {
        is_copy_left_ = false;
        return;
    }
    if (is_backup_new) {
        ::unlinkat(folder_.handle.get(), backup->c_str(), 0);
    }
    if (error_number == EEXIST) {
        throw Error(ErrorKind::input,
                    place_.path().string(),
                    "has been made by somebody else meanwhile: use --force to replace it");
    }
    fail_system(place_.path(), "the new content cannot be put in place", error_number);
}

void EditWorkspace::finish() {
    const int error_number = ::fsync(folder_.handle.get()) == 0 ? 0 : errno;
    {
        const SignalPause pause;
        unlock();
    }
    const bool is_offered =
        error_number != EINVAL && error_number != ENOTSUP && error_number != ENOSYS;
    if (error_number != 0 && is_offered) {
        fail_system(place_.path(),
                    "holds the new content, but its folder cannot be made durable: after a power "
                    "loss the old content may be back",
                    error_number);
    }
}

/// One that is not there is as good.
void EditWorkspace::remove(const std::string& name) {
    if (::unlinkat(folder_.handle.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        fail_system(folder_.path / name, "is in the way and cannot be removed", errno);
    }
}

/// Whether the name is new, so that it is ours to take back; no where the target has it already.
bool EditWorkspace::make_backup(const std::string& name) {
    const int folder = folder_.handle.get();
    if (::linkat(folder, place_.name.c_str(), folder, name.c_str(), 0) == 0) {
        cleanup_->add_backup(name);
        return true;
    }
    const int error_number = errno;
    const auto target = folder_.look_at(place_.name);
    const auto found = folder_.look_at(name);
    if (error_number != EEXIST || !target || !found || !is_same_file(*target, *found)) {
        fail_system(folder_.path / name, "the backup cannot be made", error_number);
    }
    return false;
}

/// 0 or errno. A file that is made must not replace one that somebody else has made meanwhile.
int EditWorkspace::rename_copy(bool replaces) {
    const int folder = folder_.handle.get();
    const std::string copy = place_.copy_name();
    const char* target = place_.name.c_str();
    if (replaces) {
        return ::renameat(folder, copy.c_str(), folder, target) == 0 ? 0 : errno;
    }
    if (::renameat2(folder, copy.c_str(), folder, target, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    // File systems that do not know the flag: a second name refuses to replace as well.
    if (::linkat(folder, copy.c_str(), folder, target, 0) != 0) {
        return errno;
    }
    if (is_copy_in_place()) {
        ::unlinkat(folder, copy.c_str(), 0);
    }
    return 0;
}

void EditWorkspace::unlock() {
    lock_.reset();
    cleanup_.reset();
}

}  // namespace lipcert
