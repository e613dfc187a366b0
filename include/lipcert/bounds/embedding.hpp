#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/rounding/bound.hpp"

namespace lipcert {

/// The table of token embeddings as a bound sees it.
struct EmbeddingBounds {
    std::size_t dimension = 0;
    Upper largest_row;  ///< of scale * (shortened row), positions left out: the Lipschitz constant
                        ///< from one-hot tokens [R3]
    Upper radius;       ///< every token of every input of block 0, positions included [R3]
};

[[nodiscard]] EmbeddingBounds embedding_bounds(const Embedding& embedding,
                                               const Checkpoint& checkpoint);

}  // namespace lipcert
