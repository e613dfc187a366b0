#pragma once

#include "lipcert/bounds/compose.hpp"

#include <optional>

namespace lipcert {

/// What `compose` proves, for the streams of which every token is a mixture (a convex combination)
/// of embeddings plus one of positions: every input that the model can be given, and less than the
/// ball [R29] [R30]. Nothing where that domain gives nothing better: with modules between the
/// embedding and the first block, embeddings that are shortened at look-up, or where the bounds
/// hold for every stream.
[[nodiscard]] std::optional<NetworkBounds> compose_on_embeddings(const Architecture& architecture,
                                                                 const Checkpoint& checkpoint,
                                                                 const ComposeOptions& options);

}  // namespace lipcert
