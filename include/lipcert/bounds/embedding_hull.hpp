#pragma once

#include "lipcert/bounds/compose.hpp"

#include <optional>
#include <string>

namespace lipcert {

/// Why no rule makes use of what the embeddings are (with modules between them and the first block,
/// embeddings that are shortened at look-up, a first block that R30 does not cover, or where the
/// bounds hold for every stream); nothing where one does.
[[nodiscard]] std::optional<std::string> obstacle_to_embeddings(const Architecture& architecture);

/// What `compose` proves, for the streams of which every token is a mixture (a convex combination)
/// of embeddings plus one of positions: every input that the model can be given, and less than the
/// ball [R29] [R30]. Streams of every width and at every effort are followed. Throws
/// Error{architecture} where there is an obstacle.
[[nodiscard]] NetworkBounds compose_on_embeddings(const Architecture& architecture,
                                                  const Checkpoint& checkpoint,
                                                  const ComposeOptions& options);

}  // namespace lipcert
