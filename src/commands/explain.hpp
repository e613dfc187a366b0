#pragma once

#include "lipcert/commands/console.hpp"
#include "lipcert/error.hpp"

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace lipcert {

struct ExplainArguments {
    std::optional<std::string> rule;  ///< "R21"; none: list the rules
};

void add_explain(CLI::App& program, ExplainArguments& arguments);

/// `lipcert explain RULE`: statement, proof, source and limits of a rule as docs/theorems*.md have
/// them; without RULE the list. Throws Error{usage} for a rule that is not stated there.
[[nodiscard]] ExitCode run_explain(const ExplainArguments& arguments, Console& console);

}  // namespace lipcert
