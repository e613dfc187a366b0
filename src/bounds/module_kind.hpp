#pragma once

#include "lipcert/architecture/graph.hpp"

#include <string>

namespace lipcert {

/// What reports and messages call a module: "attention", "mlp", "gated mlp", "parallel", "linear",
/// "norm", "scale", "soft-cap". A residual is named for what its branch does.
[[nodiscard]] std::string kind_of(const Module& module);

/// Whether a map that can take gamma and beta into its weights reads the stream first.
[[nodiscard]] bool reads_fold(const Module& module);

}  // namespace lipcert
