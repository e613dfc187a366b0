#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace lipcert {

/// The man page lipcert(1), in the man(7) macros, from what the parser knows.
[[nodiscard]] std::string manual_page(const CLI::App& program);

}  // namespace lipcert
