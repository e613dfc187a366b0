#include "files/file_lock.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace lipcert {

namespace {

[[noreturn]] void refuse_busy(const std::filesystem::path& guarded) {
    throw Error(ErrorKind::input,
                guarded.string(),
                "another process is editing it at this moment: wait until that is done");
}

}  // namespace

FileLock::FileLock(const Folder& folder, std::string name, const std::filesystem::path& guarded)
    : folder_(folder), name_(std::move(name)) {
    // The file may vanish between any two calls, when the other process ends; not for ever.
    constexpr int kMostAttempts = 100;
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
        Opened lock = open();
        if (lock.file.is_open() && take(lock, guarded)) {
            file_ = std::move(lock.file);
            return;
        }
    }
    refuse_busy(guarded);
}

FileLock::~FileLock() {
    // First the name, then the lock: whoever waits for the lock finds that the name is gone.
    const int folder = folder_.handle.get();
    if (leads_to(folder, name_.c_str(), file_.get())) {
        ::unlinkat(folder, name_.c_str(), 0);
    }
}

FileLock::Opened FileLock::open() const {
    constexpr mode_t kReadableByAll = 0644;  // another user must be able to ask for the lock
    const int folder = folder_.handle.get();
    Descriptor made(::openat(
        folder, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kReadableByAll));
    if (made.is_open()) {
        return {std::move(made), true};
    }
    if (errno != EEXIST) {
        fail_system(folder_.path, "no file can be made in this folder", errno);
    }
    constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    Descriptor found(::openat(folder, name_.c_str(), O_RDWR | kFlags));
    if (!found.is_open() && errno == EACCES) {
        found = Descriptor(::openat(folder, name_.c_str(), O_RDONLY | kFlags));
    }
    if (!found.is_open() && errno != ENOENT) {
        fail_system(folder_.path / name_, "is in the way of a lock", errno);
    }
    return {std::move(found), false};
}

bool FileLock::take(Opened& lock, const std::filesystem::path& guarded) const {
    if (::flock(lock.file.get(), LOCK_EX | LOCK_NB) == 0) {
        // Where the name leads elsewhere by now, its owner has just removed it.
        return leads_to(folder_.handle.get(), name_.c_str(), lock.file.get());
    }
    if (errno == EWOULDBLOCK) {
        refuse_busy(guarded);
    }
    if (errno == EINTR) {
        return false;
    }
    // No such locks on this file system: who made the file has it.
    if (!lock.is_new) {
        throw Error(ErrorKind::input,
                    guarded.string(),
                    fmt::format("is being edited, or an edit of it was killed, and this disk does "
                                "not tell which: if no other lipcert is at work, remove {}",
                                (folder_.path / name_).string()));
    }
    return true;
}

}  // namespace lipcert
