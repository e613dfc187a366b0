#include "files/whole_file.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "files/folder.hpp"
#include "files/signal_cleanup.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

fs::path behind_links(fs::path path) {
    constexpr int kMostLinks = 40;  // as the kernel
    for (int links = 0; links < kMostLinks; ++links) {
        std::error_code none;
        if (!fs::is_symlink(fs::symlink_status(path, none))) {
            return path;
        }
        const fs::path target = fs::read_symlink(path, none);
        path = target.is_absolute() ? target : path.parent_path() / target;
    }
    fail_system(path, "could not be written", ELOOP);
}

namespace {

/// A file beside the one that it shall become; removed unless it has become it.
class UnfinishedFile {
public:
    UnfinishedFile(const Folder& folder, const std::string& name) : folder_(folder) {
        cleanup_.emplace(folder.handle.get());
        constexpr int kMostNames = 100;
        for (int count = 0; count < kMostNames && !file_.is_open(); ++count) {
            const SignalPause pause;
            name_ = fmt::format(".{}.{}.{}.part", name.substr(0, 200), ::getpid(), count);
            file_ = Descriptor(::openat(folder.handle.get(),
                                        name_.c_str(),
                                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                                        0666));
            if (file_.is_open()) {
                cleanup_->add_copy({name_, file_.get()});
            } else if (reason_ = errno; reason_ != EEXIST) {
                break;
            }
        }
    }

    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;
    UnfinishedFile(UnfinishedFile&&) = delete;
    UnfinishedFile& operator=(UnfinishedFile&&) = delete;

    ~UnfinishedFile() {
        const SignalPause pause;
        if (file_.is_open() && leads_to(folder_.handle.get(), name_.c_str(), file_.get())) {
            ::unlinkat(folder_.handle.get(), name_.c_str(), 0);
        }
        cleanup_.reset();
    }

    /// 0 or errno.
    [[nodiscard]] int write(const std::string& text) const {
        return !file_.is_open()
                   ? reason_
                   : write_at(file_.get(), 0, std::as_bytes(std::span<const char>(text)));
    }

    /// 0 or errno. A file that is replaced keeps who may read it; the content is on the disk before
    /// the name is.
    [[nodiscard]] int become(const std::string& name) const {
        const SignalPause pause;
        const int folder = folder_.handle.get();

        struct stat old {};

        if (::fstatat(folder, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(old.st_mode) && ::fchmod(file_.get(), old.st_mode & 0777U) != 0) {
            return errno;
        }
        if (::fsync(file_.get()) != 0 && errno != EINVAL && errno != EROFS) {
            return errno;
        }
        return ::renameat(folder, name_.c_str(), folder, name.c_str()) == 0 ? 0 : errno;
    }

private:
    const Folder& folder_;
    std::optional<SignalCleanup> cleanup_;
    std::string name_;
    Descriptor file_;
    int reason_ = 0;  ///< errno, where the file could not be made
};

}  // namespace

void write_whole_file(const fs::path& path, const std::string& text) {
    const fs::path target = behind_links(path);
    const std::string name = target.filename().string();
    if (name.empty() || name == "." || name == "..") {
        fail_system(path, "could not be written", EISDIR);
    }
    const Folder folder(target.has_parent_path() ? target.parent_path() : fs::path("."));
    const UnfinishedFile file(folder, name);
    int reason = file.write(text);
    if (reason == 0) {
        reason = file.become(name);
    }
    if (reason != 0) {
        fail_system(path, "could not be written", reason);
    }
}

}  // namespace lipcert
