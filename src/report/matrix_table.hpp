#pragma once

#include "lipcert/certificate/certificate.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// A header line and one line per matrix in the order of the style; its `top` first, then one line
/// that folds the rest.
[[nodiscard]] std::string matrix_table(const std::vector<MatrixBound>& matrices,
                                       const TerminalStyle& style);

}  // namespace lipcert
