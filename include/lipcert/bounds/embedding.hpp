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

/// What a model that reads vectors adds to them and puts beside them behind the stem, where a token
/// has `width` entries [R41].
struct ConstantTokens {
    Upper largest_added;   ///< the longest vector that is added to a token
    Upper largest_beside;  ///< the longest token beside, before a vector is added to it
};

/// How many tokens the model puts beside those that it reads; none where it reads a table.
[[nodiscard]] std::size_t tokens_beside(const Embedding& embedding, const Checkpoint& checkpoint);

/// Throws Error{architecture} where a tensor is missing or holds no rows of `width` entries.
[[nodiscard]] ConstantTokens constant_tokens(const VectorInput& vectors,
                                             const Checkpoint& checkpoint,
                                             std::size_t width);

}  // namespace lipcert
