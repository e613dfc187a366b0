#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstdint>
#include <string>

namespace lipcert {

/// About how much memory a run needs, and where.
struct MemoryNeed {
    std::uint64_t bytes = 0;  ///< resident at the peak, the program itself included
    std::string step;         ///< that needs most: a tensor's name, "layer 0 attention", ...
};

/// Of `certify` with default options, from shapes alone: no weight is read. Meant to be at least
/// what is used and less than twice as much; an estimate, of which nothing that is proved makes
/// use.
[[nodiscard]] MemoryNeed certify_memory(const Architecture& architecture,
                                        const Checkpoint& checkpoint);

/// Of the norms of every float matrix in `checkpoint`, in the same way.
[[nodiscard]] MemoryNeed norms_memory(const Checkpoint& checkpoint);

}  // namespace lipcert
