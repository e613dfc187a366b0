#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <optional>
#include <vector>

namespace lipcert {

/// What is known of a block beside its `BlockBound`, for comparisons with runs.
struct BlockExtent {
    const Module* module = nullptr;
    const BlockBound* bound = nullptr;
    /// Of every score |tau q.k| of its attention, over the ball of the embeddings [R26].
    std::optional<Upper> largest_score;
    /// Before or behind it stands a normalisation whose gamma and beta are counted with what reads
    /// them, so that the bound's constant and radius are not those of the module by itself.
    bool begins_folded = false, ends_folded = false;
};

/// One for each block of `bounds`, which were composed for these two: stem, layers, head. Pointers
/// go into the arguments. Costs about as much as composing with the least effort.
[[nodiscard]] std::vector<BlockExtent> block_extents(const Architecture& architecture,
                                                     const Checkpoint& checkpoint,
                                                     const NetworkBounds& bounds);

}  // namespace lipcert
