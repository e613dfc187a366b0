#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace lipcert {

/// The file that is read from the working folder.
constexpr const char* kDefaultsFile = "lipcert.toml";

/// Values for flags that the command line leaves open, from LIPCERT_* variables. `command` is a
/// subcommand of `program` that has been parsed. Throws Error{usage} with the variable's name for a
/// value that the flag does not take, and for a LIPCERT_* variable that is of no command.
void apply_variables(CLI::App& program, CLI::App& command);

/// The same from the table of the command in a TOML file: `path` where it is given, else
/// kDefaultsFile where there is one. Called after `apply_variables`, it leaves what a flag or a
/// variable has set. Every table of the file is checked against its command: Error{usage} with file
/// and line for what is unknown, of a wrong type, or belongs on the command line (what a run
/// overwrites); Error{input} where the file cannot be read.
void apply_defaults(CLI::App& program,
                    CLI::App& command,
                    const std::optional<std::filesystem::path>& path);

/// The text of a file in which every key of every command is commented out, with what it means.
[[nodiscard]] std::string defaults_template(CLI::App& program);

}  // namespace lipcert
