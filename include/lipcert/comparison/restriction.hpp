#pragma once

#include "lipcert/bounds/network_bounds.hpp"

#include <string>

namespace lipcert {

/// What was asked for that makes a domain smaller: "on mixtures of embeddings, on at most 3
/// tokens"; empty: nothing.
[[nodiscard]] std::string restriction_text(const Domain& domain);

}  // namespace lipcert
