#pragma once

#include "lipcert/capping/cap_outcome.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <string>

namespace lipcert {

/// The whole report of `cap`: per matrix the limit, the norm before and after, how far the matrix
/// moved; the bounds before and after; what was written. Bounds are rounded up, lower ends down.
[[nodiscard]] std::string render_cap(const CapOutcome& outcome, const TerminalStyle& style);

/// The one line of `cap --quiet`.
[[nodiscard]] std::string render_cap_verdict(const CapOutcome& outcome);

/// schema "lipcert-cap-1".
[[nodiscard]] std::string cap_json(const CapOutcome& outcome);

}  // namespace lipcert
