#pragma once

#include "lipcert/execution/transformer.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace lipcert {

using TokenSequence = std::vector<std::size_t>;

/// How well a model predicts the next token, over one pass of each sequence from its start.
struct Evaluation {
    std::size_t predicted = 0;  ///< tokens that were predicted: all but the first of a sequence
    double loss = 0.0;          ///< mean cross-entropy, nats per predicted token
    double accuracy = 0.0;      ///< share of tokens to which the model gave the largest logit
};

/// Measured in float64; not a bound. Sequences of fewer than two tokens predict nothing. `progress`
/// is told tokens done and their number; it may be empty.
[[nodiscard]] Evaluation evaluate(const Transformer& model,
                                  const std::vector<TokenSequence>& sequences,
                                  const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace lipcert
