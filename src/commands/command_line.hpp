#pragma once

#include <string>
#include <vector>

#include "commands/options.hpp"
#include <CLI/CLI.hpp>

namespace lipcert {

/// One function per command: its flags, bound to where they are stored, which must outlive the
/// parser.
void add_certify(CLI::App& program, CertifyArguments& arguments);
void add_verify(CLI::App& program, VerifyArguments& arguments);
void add_diff(CLI::App& program, DiffArguments& arguments);
void add_baseline(CLI::App& program, BaselineArguments& arguments);
void add_norms(CLI::App& program, NormsArguments& arguments);
void add_inspect(CLI::App& program, InspectArguments& arguments);
void add_cap(CLI::App& program, CapArguments& arguments);

/// At the end of the help and of the command's part of the manual.
void show_examples(CLI::App& command, const std::vector<std::string>& lines);

/// What several commands take.
void add_model(CLI::App& command, CommonOptions& options);
void add_common_options(CLI::App& command, CommonOptions& options);
void add_architecture_options(CLI::App& command, CommonOptions& common);

}  // namespace lipcert
