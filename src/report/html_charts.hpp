#pragma once

#include "lipcert/bounds/network_bounds.hpp"

#include <string>

namespace lipcert {

// Figures of the HTML report as inline SVG. Each has a title and a description for those who do not
// see it; the numbers stand in the tables beside it. Empty where there is nothing to show.

/// One bar per block: its part of log10 of the bound.
[[nodiscard]] std::string share_chart(const NetworkBounds& bounds);

/// log10 of the bound up to the end of each layer.
[[nodiscard]] std::string cumulative_chart(const NetworkBounds& bounds);

/// The radius of the residual stream after each block, log10, against the largest numbers of
/// float8 (E4M3 448, E5M2 57344) and float16 (65504): a stream inside the ball cannot overflow.
[[nodiscard]] std::string radius_chart(const NetworkBounds& bounds);

}  // namespace lipcert
