#include "files/edit_place.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <system_error>

#include <climits>
#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

fs::path resolved(const fs::path& path, const std::string& sentence) {
    std::error_code error;
    fs::path result = fs::canonical(path, error);
    if (error) {
        throw Error(ErrorKind::input, path.string(), sentence + " (" + error.message() + ")");
    }
    return result;
}

/// The output need not exist; its folder must, and a link must lead to a file.
fs::path resolved_output(const fs::path& output) {
    const fs::path name = output.filename();
    if (name.empty() || name == "." || name == "..") {
        throw Error(ErrorKind::usage,
                    output.string(),
                    "names a folder: name the file in it that shall be written");
    }
    std::error_code ignored;
    const fs::file_type type = fs::symlink_status(output, ignored).type();
    if (type == fs::file_type::symlink) {
        return resolved(output,
                        "is a symbolic link that leads nowhere: remove it, or name the file that "
                        "shall be written");
    }
    const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
    return resolved(folder, "this folder cannot be reached: make it first") / name;
}

void require_backup_name(const EditTarget& target, const EditPlace& place) {
    if (!target.backup_suffix) {
        return;
    }
    const std::string& suffix = *target.backup_suffix;
    if (suffix.empty() || suffix.find('/') != std::string::npos ||
        suffix.find('\0') != std::string::npos) {
        throw Error(ErrorKind::usage,
                    place.path().string(),
                    "the suffix of a backup must not be empty or hold a '/'");
    }
}

}  // namespace

EditPlace resolve_place(const fs::path& source, const EditTarget& target) {
    const fs::path path =
        target.output ? resolved_output(*target.output) : resolved(source, "cannot be reached");
    EditPlace place{path.parent_path(), path.filename().string()};
    require_backup_name(target, place);
    const std::size_t longest =
        place.name.size() + std::max(place.lock_name().size() - place.name.size(),
                                     target.backup_suffix ? target.backup_suffix->size() : 0);
    if (longest > NAME_MAX) {
        throw Error(ErrorKind::usage,
                    path.string(),
                    fmt::format("its name, with what is added for the lock or the backup, is "
                                "longer than {} bytes: choose a shorter one",
                                NAME_MAX));
    }
    return place;
}

}  // namespace lipcert
