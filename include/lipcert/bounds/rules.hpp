#pragma once

#include <string>
#include <vector>

namespace lipcert {

/// "R14 R19", "R21" -> "R14 R19 R21": every rule once, in the order of first mention; empty texts
/// add nothing.
[[nodiscard]] std::string joined_rules(const std::vector<std::string>& texts);

}  // namespace lipcert
