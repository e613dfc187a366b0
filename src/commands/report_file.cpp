#include "commands/report_file.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "files/whole_file.hpp"

namespace lipcert {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int reason) {
    throw Error(ErrorKind::input,
                path.string(),
                std::string("could not be written: ") + std::strerror(reason));
}

/// Returns errno, 0 on success.
int write_all(const std::filesystem::path& path, const std::string& text, std::ios::openmode mode) {
    errno = 0;
    std::ofstream file(path, std::ios::binary | mode);
    file << text;
    file.close();
    return !file.fail() ? 0 : errno != 0 ? errno : EIO;
}

}  // namespace

void require_no_model(const std::filesystem::path& path,
                      const std::vector<std::filesystem::path>& models) {
    std::error_code ignored;
    for (const std::filesystem::path& model : models) {
        if (std::filesystem::equivalent(path, model, ignored)) {
            throw Error(ErrorKind::usage,
                        path.string(),
                        "is the model itself; a report must not replace it");
        }
    }
}

void write_report_file(const std::filesystem::path& path,
                       const std::string& text,
                       const std::vector<std::filesystem::path>& models) {
    require_no_model(path, models);
    std::error_code ignored;
    // A device or a pipe is written as it is; a regular file is replaced only by a complete one.
    if (std::filesystem::exists(path, ignored) &&
        !std::filesystem::is_regular_file(path, ignored)) {
        if (const int reason = write_all(path, text, std::ios::trunc); reason != 0) {
            fail(path, reason);
        }
        return;
    }
    write_whole_file(path, text);
}

void append_to_file(const std::filesystem::path& path, const std::string& text) {
    if (const int reason = write_all(path, text, std::ios::app); reason != 0) {
        fail(path, reason);
    }
}

}  // namespace lipcert
