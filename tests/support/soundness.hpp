#pragma once

#include "lipcert/bounds/network_bounds.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include "support/forward.hpp"
#include "support/random.hpp"

namespace lipcert::test {

/// How hard to look.
struct SoundnessBudget {
    std::size_t pairs = 12;    ///< each measured against every bound
    std::size_t restarts = 1;  ///< ascents, each on one bound chosen at random
    std::size_t steps = 4;
    std::size_t reach_steps = 3;
};

/// What the search found.
struct Soundness {
    /// One line per printed bound that a measurement exceeds: name, bound, measured.
    std::vector<std::string> violations;
    /// The largest measured share of blocks_l2 and of logit: 1 is a sharp bound.
    double best_share_of_blocks = 0.0;
    double best_share_of_logit = 0.0;
};

/// Looks for inputs of `tokens` tokens that refute any number of `bounds`: the six constants, each
/// layer's cumulative one, each residual block's, radii and activations over the embeddings' ball.
/// A measurement counts where it exceeds the bound by more than 1e-12 of it, which covers the
/// roundings of the model itself (scales, rotations) that extended precision does not see.
[[nodiscard]] Soundness attack(const ForwardModel& model,
                               const NetworkBounds& bounds,
                               std::size_t tokens,
                               const SoundnessBudget& budget,
                               Random& random);

}  // namespace lipcert::test
