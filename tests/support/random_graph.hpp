#pragma once

#include "lipcert/architecture/graph.hpp"

#include <vector>

#include "support/graph_builder.hpp"
#include "support/random.hpp"

namespace lipcert::test {

/// A graph of everything that the graph can say, in any order: norms before, after and around
/// residual branches, parallel branches, projections, soft-caps, scales of either sign, fused and
/// transposed weights, grouped heads, query and key norms, every activation, biases, zero and
/// wildly scaled matrices, embeddings with positions, with a longest row, with a scale. Some have
/// no proved bound; compose then refuses them. Tensors are stored in `builder`.
[[nodiscard]] Architecture random_graph(GraphBuilder& builder, Random& random);

/// A gain 10^u, u uniform between `low` and `high`; now and then exactly 0.
[[nodiscard]] double random_gain(Random& random, double low, double high);

}  // namespace lipcert::test
