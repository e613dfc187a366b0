#pragma once

#include "lipcert/execution/witness.hpp"

#include <filesystem>
#include <string>

#include "commands/options.hpp"
#include "commands/session.hpp"
#include <CLI/CLI.hpp>

namespace lipcert {

/// --witness and what belongs to it.
void add_witness_options(CLI::App& command, WitnessArguments& arguments);

void add_probe(CLI::App& program, ProbeArguments& arguments);

/// `lipcert probe MODEL`: runs the model on data, searches witnesses and attacks it.
[[nodiscard]] ExitCode run_probe(const ProbeArguments& arguments, Console& console);

/// The search of `--witness`. Where `file` is named, the network's two inputs are stored in it
/// before a contradiction is thrown.
[[nodiscard]] Witnesses searched_witnesses(const Transformer& model,
                                           const Checkpoint& checkpoint,
                                           const NetworkBounds& bounds,
                                           const WitnessArguments& arguments,
                                           const Session& session);

}  // namespace lipcert
