#include "files/regular_file.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const fs::path& path, const std::string& message) {
    throw Error(ErrorKind::input, path.string(), message);
}

/// The HDF5 files of a folder, so that the message can name one to try.
[[noreturn]] void refuse_folder(const fs::path& path) {
    std::vector<std::string> candidates;
    std::error_code ignored;
    for (fs::directory_iterator entry(path, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
        const std::string extension = entry->path().extension().string();
        if (extension == ".h5" || extension == ".hdf5") {
            candidates.push_back(entry->path().string());
        }
    }
    std::sort(candidates.begin(), candidates.end());
    std::string message = "is a folder: name the checkpoint file in it";
    if (!candidates.empty()) {
        message += ", such as " + candidates.front();
    }
    refuse(path, message);
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
            refuse_folder(path);
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
    const std::size_t found =
        read_at(file_.get(), offset, std::as_writable_bytes(std::span<char>(bytes)), path_);
    if (found != bytes.size()) {
        refuse(path_, fmt::format("ends at byte {} by now: the file changed", offset + found));
    }
    return bytes;
}

}  // namespace lipcert
