#pragma once

#include "lipcert/comparison/baseline.hpp"
#include "lipcert/comparison/difference.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <string>

namespace lipcert {

/// Every bound, then the `top` blocks and matrices that changed most, worse ones first (all with
/// `verbose`).
[[nodiscard]] std::string render_difference(const Difference& difference,
                                            const TerminalStyle& style);

/// The one line of `diff --quiet`.
[[nodiscard]] std::string render_difference_verdict(const Difference& difference);

/// schema "lipcert-diff-1".
[[nodiscard]] std::string difference_json(const Difference& difference);

/// The text of a baseline file.
[[nodiscard]] std::string baseline_text(const Baseline& baseline);

}  // namespace lipcert
