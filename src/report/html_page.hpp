#pragma once

#include <string>

namespace lipcert {

/// The complete page around `body`: style sheet included, light and dark, narrow and printed;
/// nothing is loaded from elsewhere and no script is needed. `title` may be hostile.
[[nodiscard]] std::string html_page(const std::string& title, const std::string& body);

}  // namespace lipcert
