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
    /// Of the logit of the token that came next over the largest other one, in the order of the
    /// tokens; negative where the prediction is wrong.
    std::vector<double> margins;
};

/// Measured, not a bound. Sequences of fewer than two tokens predict nothing; neighbours of one
/// length are run together. `progress` is told tokens done and their number; it may be empty.
/// `observer`, if any, sees every run.
template <class Scalar>
[[nodiscard]] Evaluation evaluate(const BasicTransformer<Scalar>& model,
                                  const std::vector<TokenSequence>& sequences,
                                  const std::function<void(std::size_t, std::size_t)>& progress,
                                  Observer* observer = nullptr);

extern template Evaluation evaluate(const Transformer&,
                                    const std::vector<TokenSequence>&,
                                    const std::function<void(std::size_t, std::size_t)>&,
                                    Observer*);
extern template Evaluation evaluate(const FastTransformer&,
                                    const std::vector<TokenSequence>&,
                                    const std::function<void(std::size_t, std::size_t)>&,
                                    Observer*);

}  // namespace lipcert
