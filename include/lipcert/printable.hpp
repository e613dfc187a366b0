#pragma once

#include <string>
#include <string_view>

namespace lipcert {

/// Text from a file as it may be shown: control characters, invisible and direction-changing ones
/// and bytes that are not UTF-8 become \xNN, so that no file can move the cursor, hide a line or
/// make one name look like another.
[[nodiscard]] std::string printable(std::string_view hostile);

/// Nothing in `text` would be changed by `printable`: what the name of a tensor may consist of.
[[nodiscard]] bool is_printable(std::string_view text);

/// `printable`, cut after 120 bytes: for quotes in messages.
[[nodiscard]] std::string printable_quote(std::string_view hostile);

}  // namespace lipcert
