#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/conditions.hpp"
#include "lipcert/bounds/effort.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/bounds/searches.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace lipcert {

struct ComposeOptions {
    std::optional<std::size_t> sequence_length;  ///< > 0: also bound the Frobenius norm
    /// Called before each module with a short label ("layer 3 attention"); may be empty.
    std::function<void(const std::string&)> progress;
    Effort effort = Effort::standard;
    /// What both inputs of a pair are assumed to meet [R37]; null: nothing.
    const Conditions* conditions = nullptr;
    /// > 0: only streams of at most so many tokens are bounded, their rotary scores by the
    /// rotations that occur [R43].
    std::optional<std::size_t> longest_stream = {};
    /// Where the composition's searches are recorded or answered from; null: they are just made.
    Searches* searches = nullptr;
};

/// Walks the graph once, module by module, tracking a radius of the residual stream and a Lipschitz
/// constant together; reads each tensor when its module needs it and drops it afterwards.
/// Throws Error{architecture} where a module has no proved rule on the domain, Error{input} for a
/// condition on a place that the model does not have.
[[nodiscard]] NetworkBounds compose(const Architecture& architecture,
                                    const Checkpoint& checkpoint,
                                    const ComposeOptions& options);

}  // namespace lipcert
