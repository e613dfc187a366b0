#pragma once

#include <string>
#include <vector>

namespace lipcert {

/// docs/theorems*.md as they were when the program was built, in the order of their names.
[[nodiscard]] const std::vector<std::string>& theorem_pages();

}  // namespace lipcert
