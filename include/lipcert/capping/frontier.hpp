#pragma once

#include "lipcert/capping/cap_run.hpp"
#include "lipcert/execution/evaluate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// A checkpoint capped at one limit: what is certified, and what it costs.
struct FrontierPoint {
    std::string limit;     ///< as the user wrote it; empty for the checkpoint as it is
    NetworkBounds bounds;  ///< of the capped and rounded weights
    std::vector<CapRow> rows;
    /// sqrt(sum |W - Y|_F^2) / sqrt(sum |W|_F^2) over the matrices in scope, from above.
    Upper relative_change;
    std::optional<Evaluation> evaluation;  ///< measured; none without tokens
};

/// |W - Y|_F over all rows together, relative to |W|_F, from above.
[[nodiscard]] Upper total_relative_change(const std::vector<CapRow>& rows);

/// One point: caps at the limits of `task`, which has no target, composes, and runs the capped
/// model over `sequences` if there are any.
[[nodiscard]] FrontierPoint frontier_point(const Checkpoint& checkpoint,
                                           const Architecture& architecture,
                                           const CapTask& task,
                                           const std::vector<TokenSequence>& sequences,
                                           const Progress& progress);

}  // namespace lipcert
