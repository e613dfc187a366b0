#pragma once

#include "lipcert/commands/console.hpp"
#include "lipcert/error.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// The whole program as a function: parses `arguments` (without the program's name), runs the
/// command, and turns every failure into one line on `console.err` and an exit code. Never throws.
[[nodiscard]] ExitCode run_program(const std::vector<std::string>& arguments, Console& console);

}  // namespace lipcert
