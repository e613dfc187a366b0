#pragma once

#include <optional>
#include <string>

#include "files/regular_file.hpp"

namespace lipcert {

/// Why programs could find different members in an archive, as words to put in a message; empty
/// where all read the same: the file ends with the one end record, the list of members stands right
/// before it, and the first member begins at byte 0. What the members hold is not looked at.
/// Source: PKWARE APPNOTE 6.3.9, sections 4.3.6 to 4.3.16.
[[nodiscard]] std::optional<std::string> zip_flaw(const RegularFile& file);

/// Whether a program that looks for a zip archive from the end of the file, as Python's zipfile
/// does, finds a list of members, whatever stands before it.
[[nodiscard]] bool ends_as_zip(const RegularFile& file);

}  // namespace lipcert
