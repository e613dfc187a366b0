#pragma once

#include <filesystem>
#include <string>

namespace lipcert {

/// Where a name leads, also where nothing stands there yet. Throws Error{input} for links in a
/// circle.
[[nodiscard]] std::filesystem::path behind_links(std::filesystem::path path);

/// Puts `text` into the file `path`, which appears complete or not at all: a new file beside it is
/// renamed over it once it is on the disk, with its permissions. A symbolic link stays, and what it
/// leads to is replaced. The unfinished file is one that this call has made (no name that somebody
/// put there is followed), and a signal that ends the process removes it. Throws Error{input} where
/// the system does not let us; a reader sees the old content then.
void write_whole_file(const std::filesystem::path& path, const std::string& text);

}  // namespace lipcert
