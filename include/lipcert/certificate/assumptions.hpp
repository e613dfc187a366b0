#pragma once

#include "lipcert/bounds/conditions.hpp"

#include <filesystem>
#include <string>

namespace lipcert {

/// Reads conditions in the format of docs/conditions.md. Throws Error{input} for a file that cannot
/// be read, is not JSON, has an unknown or a missing key, a number that is not positive, or no
/// condition at all.
[[nodiscard]] Conditions read_conditions(const std::filesystem::path& path);

/// The same for a text; `where` goes into messages.
[[nodiscard]] Conditions parse_conditions(const std::string& text, const std::string& where);

}  // namespace lipcert
