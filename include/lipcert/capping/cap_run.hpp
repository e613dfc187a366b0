#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/capping/cap_model.hpp"
#include "lipcert/checkpoint/overlay_checkpoint.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// A limit on a composed bound, which the limits on the weights are to be chosen for.
struct CapTarget {
    std::string text;                     ///< as the user wrote it
    Lower value;                          ///< at or below it
    std::string bound = "max_token_rms";  ///< one of `bound_names()`
};

struct CapTask {
    std::vector<CapItem> items;
    CapSettings settings;
    std::optional<CapTarget> target;
    std::optional<std::size_t> sequence_length;  ///< > 0: also bound the Frobenius norm
};

/// Capped weights in memory, and what is proved of them.
struct CappedModel {
    std::unique_ptr<OverlayCheckpoint> weights;
    std::vector<CapRow> rows;
    std::optional<NetworkBounds> bounds;  ///< none without an architecture
    bool meets_target = true;
    /// Where no plan meets the target: log10 of the (unproved) bound as all items vanish.
    std::optional<double> log10_floor;
    /// Where the target is not met because stored types cannot hold what the plan asks: which.
    std::string obstacle;

    /// Every item within its limit, and the target met if there is one.
    [[nodiscard]] bool holds() const;
};

/// Caps every item at its limit. Where that does not meet the target, smaller limits are planned;
/// the capped and rounded weights are composed, and the plan is tightened until the proved bound
/// meets the target or eight rounds have failed. `architecture` may be null where there is no
/// target. Throws Error{usage} for a target on a bound that does not exist, UnreachableLimit where
/// an item's own limit is.
[[nodiscard]] CappedModel cap_to_limits(const Checkpoint& checkpoint,
                                        const Architecture* architecture,
                                        const CapTask& task,
                                        const Progress& progress);

/// Proves once more, from what `stored` holds, that every item within its limit is, and returns the
/// composed bounds. Throws Error{internal} where the proof fails.
[[nodiscard]] std::optional<NetworkBounds> certify_stored(const Checkpoint& stored,
                                                          const Architecture* architecture,
                                                          const CappedModel& capped,
                                                          const CapTask& task,
                                                          const Progress& progress);

}  // namespace lipcert
