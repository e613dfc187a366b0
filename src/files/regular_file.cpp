#include "files/regular_file.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>

#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const fs::path& path, const std::string& message) {
    throw Error(ErrorKind::input, path.string(), message);
}

void check_kind(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    switch (status.type()) {
        case fs::file_type::regular:
            return;
        case fs::file_type::not_found:
            refuse(path, "there is no such file: check the path");
        case fs::file_type::directory:
            refuse(path, "is a folder: name a file in it");
        case fs::file_type::none:
            refuse(path, "cannot be looked at (" + error.message() + "): check its permissions");
        default:
            refuse(path,
                   "is a pipe, socket or device, not a file: store the bytes in a regular file "
                   "first");
    }
}

}  // namespace

RegularFile::RegularFile(const fs::path& path) : path_(path) {
    check_kind(path);
    // Should a pipe have taken its place meanwhile, this does not wait for its other end.
    file_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file_.is_open()) {
        fail_system(path, "cannot be read", errno);
    }
    identity_ = identity_of(status_of(file_.get(), path));
}

std::string RegularFile::read(std::uint64_t offset, std::size_t count) const {
    if (offset >= size()) {
        return {};
    }
    std::string bytes(std::min<std::uint64_t>(count, size() - offset), '\0');
    read_into(offset, std::as_writable_bytes(std::span<char>(bytes)));
    return bytes;
}

void RegularFile::read_into(std::uint64_t offset, std::span<std::byte> buffer) const {
    const std::size_t found = read_at(file_.get(), offset, buffer, path_);
    if (found != buffer.size()) {
        refuse(path_, fmt::format("ends at byte {} by now: the file changed", offset + found));
    }
}

}  // namespace lipcert
