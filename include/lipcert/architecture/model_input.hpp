#pragma once

#include "lipcert/rounding/interval.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace lipcert {

/// What a model reads in place of tokens: vectors, such as the patches of an image. Behind the stem
/// it adds constants to them, and puts constant tokens beside them [R41].
struct VectorInput {
    std::size_t width = 0;
    Interval largest_entry;  ///< positive: radii are about vectors with no larger entry
    std::string added;       ///< one row per token, the tokens beside them first; empty: none
    std::string beside;      ///< one row for each token that is put before the others; empty: none
};

/// The table of token embeddings and, if the model has them, of positions and of token types: the
/// input of block 0 is scale * row + position + type. Or no table, but vectors.
struct Embedding {
    std::string weight;              ///< one row per token; empty: `vectors` are read
    std::string positions;           ///< empty: none
    std::size_t first_position = 0;  ///< the row of the first token; no bound depends on it
    std::string types;               ///< empty: none
    Interval scale = Interval::exact(1.0);
    std::optional<Interval> max_row_norm;  ///< rows longer than this are shortened at look-up
    std::optional<VectorInput> vectors;
};

}  // namespace lipcert
