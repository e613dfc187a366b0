#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/forward.hpp"
#include "support/model_builder.hpp"
#include "support/random.hpp"

namespace lipcert::test {

/// A tiny random model in the real layout of a published family, and that family's own forward
/// pass.
struct PublishedModel {
    std::string family;
    TinyTensors tensors;
    nlohmann::json configuration;
    /// Embedding stream -> the model's output, from `tensors` alone.
    std::function<Matrix(const TinyTensors&, const Matrix&)> forward;
    ForwardOptions rotation;  ///< for the forward pass over the graph
};

/// One of each, all with 2 layers.
[[nodiscard]] std::vector<PublishedModel> published_models(Random& random);

/// Those of them that read vectors in place of tokens.
[[nodiscard]] std::vector<PublishedModel> models_of_vectors(Random& random);

}  // namespace lipcert::test
