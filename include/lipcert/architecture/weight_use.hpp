#pragma once

#include "lipcert/architecture/graph.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What a stored tensor is to the module that reads it.
enum class WeightKind {
    table,        ///< one row per token or position, looked up: embeddings
    map,          ///< a linear map within the network
    unembedding,  ///< the linear map onto the logits: one output per token
    vector        ///< a bias or a normalisation's weight
};

/// One reading of a stored tensor by the model. A tensor can have several: the projections of a
/// fused map, or a table that is embedding and unembedding at once.
struct WeightUse {
    std::string tensor;
    WeightKind kind = WeightKind::map;
    std::string role;         ///< of what is read: "query", "mlp in", "embedding", ...
    std::string tensor_role;  ///< of the whole tensor: "fused query key value"
    std::optional<std::size_t> layer;
    Layout layout = Layout::out_in;
    std::optional<OutputSlice> slice;  ///< the outputs that are read; none: all
};

/// Every reading, in the order of execution.
[[nodiscard]] std::vector<WeightUse> weight_uses(const Architecture& architecture);

/// A tensor's place in the model.
struct Role {
    std::string tensor;
    std::string role;  ///< "query", "fused query key value", "mlp in", "embedding", ...
    std::optional<std::size_t> layer;
};

/// The first reading of each tensor, in the order of execution.
[[nodiscard]] std::vector<Role> roles_of(const Architecture& architecture);

}  // namespace lipcert
