#pragma once

#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/execution/transformer.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// Two inputs and the difference quotient |f(X) - f(Y)| / |X - Y| in the max-token L2 norm that
/// they show.
struct Witness {
    Matrix first, second;
    double estimate = 0.0;  ///< as float64 computes it; no bound
    /// Proved: both values enclosed in 128-bit interval arithmetic, their distance from below, the
    /// inputs' distance from above, both inputs inside the domain. Nothing where that was too
    /// costly or too wide.
    std::optional<Lower> ratio;
};

struct WitnessOptions {
    std::uint64_t seed = 1;
    std::size_t restarts = 6;
    std::size_t steps = 24;      ///< of each ascent on the input
    Eigen::Index tokens = 6;     ///< of a sequence; Lipschitz constants hold for every number
    double most_products = 1e8;  ///< products that confirming one pair may cost; more: not proved
    std::function<void(const std::string& step, std::size_t done, std::size_t total)> progress = {};
};

/// What a search found from below for one bound of a certificate.
struct NamedWitness {
    std::string name;  ///< "layer 0 attention", "blocks_l2", "max_token_l2"
    std::optional<std::size_t> layer;
    std::string kind;  ///< of the block; empty for the network
    Upper bound;       ///< what it is held against
    std::string rule;
    std::optional<Witness> witness;  ///< none where a block's bound is not that of one function
};

struct Witnesses {
    std::vector<NamedWitness> blocks;  ///< in the order of execution
    NamedWitness network;              ///< blocks_l2: embedding stream -> end of the last layer
    NamedWitness logits;               ///< max_token_l2: embedding stream -> logits
};

/// Searches inputs, perturbation and output direction by ascent: power steps with products of the
/// Jacobian for the last two, differences of them for the first; then proves the best pair as an
/// actual difference quotient. Inputs stay in the domain of `bounds` (for a block: the ball of its
/// radius_in, or everywhere). `checkpoint` is read again for the proof.
[[nodiscard]] Witnesses find_witnesses(const Transformer& model,
                                       const Checkpoint& checkpoint,
                                       const NetworkBounds& bounds,
                                       const WitnessOptions& options);

/// Throws Error{internal} where a proved witness is above its bound: then one of two proofs is
/// wrong, and no certificate of this program is to be trusted until it is known which.
void require_no_contradiction(const Witnesses& witnesses);

}  // namespace lipcert
