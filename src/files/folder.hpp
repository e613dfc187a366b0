#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>

#include "files/descriptor.hpp"

namespace lipcert {

/// An open folder, in which files are made, renamed and removed by name.
struct Folder {
    /// Throws Error{input} where it cannot be opened.
    explicit Folder(const std::filesystem::path& folder);

    /// What stands at a name, the link itself where it is one; nothing where nothing does. Throws
    /// Error{input} where the system does not tell.
    [[nodiscard]] std::optional<struct stat> look_at(const std::string& name) const;

    std::filesystem::path path;
    Descriptor handle;
};

[[nodiscard]] bool is_same_file(const struct stat& a, const struct stat& b);

/// Whether `name` leads to the very file that is open as `file`: a name in a folder can be given to
/// another file at any time. No on any doubt. A signal handler may ask.
[[nodiscard]] bool leads_to(int folder, const char* name, int file);

}  // namespace lipcert
