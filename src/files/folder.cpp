#include "files/folder.hpp"

#include <cerrno>
#include <fcntl.h>

namespace lipcert {

Folder::Folder(const std::filesystem::path& folder)
    : path(folder), handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!handle.is_open()) {
        fail_system(folder, "this folder cannot be opened", errno);
    }
}

std::optional<struct stat> Folder::look_at(const std::string& name) const {
    struct stat status {};

    if (::fstatat(handle.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        return status;
    }
    if (errno != ENOENT) {
        fail_system(path / name, "cannot be looked at", errno);
    }
    return std::nullopt;
}

bool is_same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool leads_to(int folder, const char* name, int file) {
    struct stat named {};

    struct stat open {};

    return ::fstat(file, &open) == 0 && ::fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_same_file(named, open);
}

}  // namespace lipcert
