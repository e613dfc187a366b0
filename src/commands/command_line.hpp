#pragma once

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

}  // namespace lipcert
