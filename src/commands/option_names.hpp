#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace lipcert {

// What the parser knows about its options, for whatever is generated from it: defaults, the manual,
// completions.

/// Takes no value.
[[nodiscard]] bool is_flag(const CLI::Option& option);

/// The long flags of a command that a file or a variable may set, without dashes, and "models" for
/// the checkpoints of `certify`. What decides which file gets overwritten, or
/// weakens a check, is not among them.
[[nodiscard]] std::vector<std::string> configurable_keys(const CLI::App& command);

/// nullptr where `key` is none of them.
[[nodiscard]] CLI::Option* configurable_option(CLI::App& command, const std::string& key);

/// Options in the order in which they were added, without the hidden and positional ones.
[[nodiscard]] std::vector<const CLI::Option*> flags_of(const CLI::App& command);
[[nodiscard]] std::vector<const CLI::Option*> positionals_of(const CLI::App& command);

/// "-n", "--top".
[[nodiscard]] std::vector<std::string> spellings(const CLI::Option& option);

}  // namespace lipcert
