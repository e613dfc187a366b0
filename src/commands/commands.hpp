#pragma once

#include "lipcert/commands/console.hpp"
#include "lipcert/error.hpp"

#include "commands/options.hpp"

namespace lipcert {

/// `lipcert certify MODEL`: norms, composed bounds, report, verdict.
[[nodiscard]] ExitCode run_certify(const CertifyArguments& arguments, Console& console);

/// `lipcert verify CERTIFICATE MODEL`: proves again what a certificate states.
[[nodiscard]] ExitCode run_verify(const VerifyArguments& arguments, Console& console);

/// `lipcert diff NEW OLD`: what changed between two certificates or checkpoints.
[[nodiscard]] ExitCode run_diff(const DiffArguments& arguments, Console& console);

/// `lipcert baseline create|update FILE SOURCE`.
[[nodiscard]] ExitCode run_baseline(const BaselineArguments& arguments, Console& console);

/// `lipcert norms MODEL`: an enclosure for every float matrix, no architecture needed.
[[nodiscard]] ExitCode run_norms(const NormsArguments& arguments, Console& console);

/// `lipcert inspect MODEL`: tensors, their places, hyper-parameters, what is missing.
[[nodiscard]] ExitCode run_inspect(const InspectArguments& arguments, Console& console);

/// `lipcert cap MODEL`: brings weights under limits, proves the stored bytes, reports the cost.
[[nodiscard]] ExitCode run_cap(const CapArguments& arguments, Console& console);

/// `lipcert cap MODEL --frontier C,C,...`: what each limit would certify and cost; writes nothing
/// but reports.
[[nodiscard]] ExitCode run_frontier(const CapArguments& arguments, Console& console);

}  // namespace lipcert
