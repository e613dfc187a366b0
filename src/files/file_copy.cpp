#include "files/file_copy.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <linux/fs.h>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTransferBytes = std::size_t{1} << 20U;

[[noreturn]] void fail_writing(const fs::path& path, int error_number) {
    fail_system(path, "its new content cannot be written", error_number);
}

/// What copy_file_range says where it does not work between these two files; everything else is a
/// failure of the disk.
bool is_not_supported(int error_number) {
    constexpr std::array kReasons{EXDEV, ENOSYS, EINVAL, EOPNOTSUPP, EPERM, EBADF, ETXTBSY};
    return std::find(kReasons.begin(), kReasons.end(), error_number) != kReasons.end();
}

/// The bytes that were copied before the kernel declined to go on.
std::uint64_t copy_in_kernel(int from, int to, std::uint64_t size, const fs::path& path) {
    std::uint64_t done = 0;
    while (done < size) {
        auto source = static_cast<off64_t>(done);
        auto target = static_cast<off64_t>(done);
        const std::size_t wanted = std::min<std::uint64_t>(size - done, kTransferBytes * 64);
        const ssize_t count = ::copy_file_range(from, &source, to, &target, wanted, 0);
        if (count > 0) {
            done += static_cast<std::uint64_t>(count);
        } else if (count == 0 || is_not_supported(errno)) {
            break;
        } else if (errno != EINTR) {
            fail_writing(path, errno);
        }
    }
    return done;
}

std::vector<std::string> split_names(const std::string& list) {
    std::vector<std::string> names;
    for (std::size_t start = 0; start < list.size(); start += names.back().size() + 1) {
        names.emplace_back(list.c_str() + start);
    }
    return names;
}

/// Asks for the size of an answer, then for the answer, again while it grows in between.
template <typename Ask>
std::string sized_answer(const Ask& ask, const fs::path& path, const char* what) {
    std::string answer;
    for (;;) {
        const ssize_t size = ask(nullptr, 0);
        answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        const ssize_t found = size > 0 ? ask(answer.data(), answer.size()) : size;
        if (found >= 0) {
            answer.resize(static_cast<std::size_t>(found));
            return answer;
        }
        if (errno != ERANGE) {
            fail_system(path, what, errno);
        }
    }
}

std::vector<std::string> attribute_names(int file, const fs::path& path) {
    if (::flistxattr(file, nullptr, 0) < 0 && errno == EOPNOTSUPP) {
        return {};
    }
    return split_names(sized_answer(
        [file](char* buffer, std::size_t size) { return ::flistxattr(file, buffer, size); },
        path,
        "its extended attributes cannot be listed"));
}

std::vector<std::string> attribute_names(const fs::path& model) {
    if (::llistxattr(model.c_str(), nullptr, 0) < 0 && errno == EOPNOTSUPP) {
        return {};
    }
    return split_names(sized_answer(
        [&model](char* buffer, std::size_t size) {
            return ::llistxattr(model.c_str(), buffer, size);
        },
        model,
        "its extended attributes cannot be listed"));
}

/// security.* and trusted.* are the system's business; security.ima and security.evm are sums over
/// the content, which is new.
bool belongs_to_system(std::string_view name) {
    return name.starts_with("security.") || name.starts_with("trusted.");
}

void copy_attributes(int file, const fs::path& model, const fs::path& path) {
    const std::vector<std::string> names = attribute_names(model);
    for (const std::string& name : names) {
        if (name == "security.ima" || name == "security.evm") {
            continue;
        }
        const std::string content = sized_answer(
            [&](char* buffer, std::size_t size) {
                return ::lgetxattr(model.c_str(), name.c_str(), buffer, size);
            },
            model,
            "an extended attribute cannot be read");
        if (::fsetxattr(file, name.c_str(), content.data(), content.size(), 0) != 0 &&
            !belongs_to_system(name)) {
            fail_system(path, fmt::format("its attribute {} cannot be kept", name), errno);
        }
    }
    // A folder may give new files an access control list that the old file has not.
    for (const std::string& name : attribute_names(file, path)) {
        if (!belongs_to_system(name) &&
            std::find(names.begin(), names.end(), name) == names.end() &&
            ::fremovexattr(file, name.c_str()) != 0) {
            fail_system(path, fmt::format("attribute {} cannot be removed", name), errno);
        }
    }
}

void set_mode(int file, mode_t mode, const fs::path& path) {
    if (::fchmod(file, mode) != 0) {
        fail_system(path, "its permissions cannot be kept", errno);
    }
}

/// Asking the system with umask() would change it for other threads.
mode_t denied_to_new_files() {
    constexpr mode_t kAllButOwner = 077;
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Umask:")) {
            std::istringstream text(line.substr(6));
            mode_t mask = kAllButOwner;
            text >> std::oct >> mask;
            return mask;
        }
    }
    return kAllButOwner;
}

}  // namespace

void copy_contents(int from, int to, std::uint64_t size, const fs::path& path) {
    if (::ioctl(to, FICLONE, from) == 0) {
        return;
    }
    std::uint64_t done = copy_in_kernel(from, to, size, path);
    std::vector<std::byte> buffer(kTransferBytes);
    while (done < size) {
        const std::size_t wanted = std::min<std::uint64_t>(size - done, buffer.size());
        const std::size_t count =
            read_at(from, done, std::span<std::byte>(buffer).first(wanted), path);
        if (count == 0) {
            throw Error(ErrorKind::input,
                        path.string(),
                        "what shall be copied has become shorter meanwhile: keep it still");
        }
        const int error_number =
            write_at(to, done, std::span<const std::byte>(buffer).first(count));
        if (error_number != 0) {
            fail_writing(path, error_number);
        }
        done += count;
    }
}

void take_over_owner(int file, const struct stat& model, const fs::path& path) {
    const struct stat own = status_of(file, path);
    if (own.st_uid == model.st_uid && own.st_gid == model.st_gid) {
        return;
    }
    if (::fchown(file, model.st_uid, model.st_gid) != 0) {
        fail_system(path,
                    fmt::format("a new file cannot be given its owner {} and group {}; write to a "
                                "new file with -o instead, or run as that user",
                                model.st_uid,
                                model.st_gid),
                    errno);
    }
}

void take_over_permissions(int file,
                           const fs::path& model,
                           const struct stat& status,
                           const fs::path& path) {
    constexpr mode_t kPermissions = 07777;
    copy_attributes(file, model, path);
    set_mode(file, status.st_mode & kPermissions, path);  // also the mask of an access control list
}

void set_usual_permissions(int file, const struct stat& source, const fs::path& path) {
    constexpr mode_t kPermissions = 0777;
    set_mode(file, source.st_mode & kPermissions & ~denied_to_new_files(), path);
}

}  // namespace lipcert
