#pragma once

#include "lipcert/certificate/certificate.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// A header line and one line per matrix; `limit` of them, then one line that folds the rest.
[[nodiscard]] std::string matrix_table(const std::vector<const MatrixBound*>& matrices,
                                       std::size_t limit,
                                       const TerminalStyle& style);

}  // namespace lipcert
