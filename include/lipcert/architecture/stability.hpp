#pragma once

#include "lipcert/architecture/graph.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// The measures in a model that keep activations or scores bounded by construction, and that the
/// training of arXiv 2507.13338 does without: "layer_norm", "rms_norm", "qk_norm",
/// "score_soft_cap", "attention_sink", "logit_soft_cap" (after the unembedding), "soft_cap"
/// (elsewhere). Each at most once, in this order; empty for a model that has none.
[[nodiscard]] std::vector<std::string> stability_measures(const Architecture& architecture);

}  // namespace lipcert
