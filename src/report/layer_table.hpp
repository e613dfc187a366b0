#pragma once

#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <string>

namespace lipcert {

/// One line per block in the order of execution: radius in and out, Lipschitz constant, the bound
/// up to the end of its layer, the rules, and its share of log10 of the product.
[[nodiscard]] std::string layer_table(const NetworkBounds& bounds, const TerminalStyle& style);

}  // namespace lipcert
