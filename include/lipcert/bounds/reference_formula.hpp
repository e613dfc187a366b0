#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <optional>

namespace lipcert {

/// What arXiv 2507.13338 prints for a model of its architecture, and a bound of the same kind.
struct ReferenceBounds {
    /// `calculate_lipschitz_constant` of the authors' code, evaluated with ordinary care. It is not
    /// an upper bound of anything: docs/theorems.md lists five inputs that exceed it.
    Upper formula;
    /// The least change that makes it one, from full-matrix norms: embeddings -> logits, max-token
    /// RMS norms, on the ball of the embeddings [R1'].
    Bound repaired;
};

/// Nothing where the model is not of that architecture: layers of one attention and one MLP
/// residual, no normalisation, no biases. `radius`: of the ball on which the repair holds.
[[nodiscard]] std::optional<ReferenceBounds> reference_bounds(const Architecture& architecture,
                                                              const Checkpoint& checkpoint,
                                                              const Upper& radius);

}  // namespace lipcert
