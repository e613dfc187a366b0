#include "files/descriptor.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace lipcert {

namespace {

/// Some systems refuse more than 2 GiB in one call.
constexpr std::size_t kLargestTransfer = std::size_t{1} << 30U;

const char* advice(int error_number) {
    switch (error_number) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return "the disk, or your share of it, is full: free some space or use another disk";
        case EACCES:
        case EPERM:
            return "check its permissions";
        case EROFS:
            return "the disk may only be read: write to another one";
        case EIO:
            return "the disk fails: look after it before anything else";
        case ENAMETOOLONG:
            return "choose a shorter name";
        default:
            return "try again, or use another disk";
    }
}

}  // namespace

Descriptor::~Descriptor() {
    if (is_open()) {
        ::close(number_);
    }
}

void fail_system(const std::filesystem::path& path, const std::string& action, int error_number) {
    const std::error_code reason(error_number, std::generic_category());
    throw Error(ErrorKind::input,
                path.string(),
                fmt::format("{} ({}): {}", action, reason.message(), advice(error_number)));
}

struct stat status_of(int descriptor, const std::filesystem::path& path) {
    struct stat status {};

    if (::fstat(descriptor, &status) != 0) {
        fail_system(path, "cannot be looked at", errno);
    }
    return status;
}

FileIdentity identity_of(const struct stat& status) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    return {status.st_dev,
            status.st_ino,
            static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec};
}

std::size_t read_at(int descriptor,
                    std::uint64_t offset,
                    std::span<std::byte> buffer,
                    const std::filesystem::path& path) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t count = ::pread(descriptor,
                                      buffer.data() + done,
                                      std::min(buffer.size() - done, kLargestTransfer),
                                      static_cast<off_t>(offset + done));
        if (count == 0) {
            break;
        }
        if (count > 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            fail_system(path, fmt::format("cannot be read at byte {}", offset + done), errno);
        }
    }
    return done;
}

int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = ::pwrite(descriptor,
                                       bytes.data() + done,
                                       std::min(bytes.size() - done, kLargestTransfer),
                                       static_cast<off_t>(offset + done));
        if (count > 0) {
            done += static_cast<std::size_t>(count);
        } else if (count == 0) {
            return EIO;  // no progress and no reason
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace lipcert
