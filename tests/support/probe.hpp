#pragma once

#include "lipcert/bounds/network_bounds.hpp"

#include <cstddef>
#include <optional>
#include <vector>

#include "support/graph_builder.hpp"
#include "support/random.hpp"
#include "support/witness.hpp"

namespace lipcert::test {

/// A model of hand-made modules as a certificate and as a search see it.
struct Probe {
    Eigen::Index width = 4;
    double radius = 1.0;  ///< of the ball of inputs
    Eigen::Index tokens = 3;
    std::size_t pairs = 6;
    std::size_t restarts = 1;
    std::size_t steps = 6;
};

/// `modules` as the one layer of a network whose embedding table has rows of norm at most
/// `probe.radius`. The table is stored in `builder`.
[[nodiscard]] Architecture probed_architecture(GraphBuilder& builder,
                                               std::vector<Module> modules,
                                               const Probe& probe);

/// What compose proves of it.
[[nodiscard]] NetworkBounds proved(GraphBuilder& builder,
                                   const std::vector<Module>& modules,
                                   const Probe& probe,
                                   std::optional<std::size_t> sequence_length = std::nullopt);

/// The largest ratio of distances that a search finds on the ball; never above a true bound.
[[nodiscard]] double witnessed(const GraphBuilder& builder,
                               const std::vector<Module>& modules,
                               const Probe& probe,
                               Random& random,
                               const ForwardOptions& options = {});

/// The same for the Frobenius norm.
[[nodiscard]] double witnessed_frobenius(const GraphBuilder& builder,
                                         const std::vector<Module>& modules,
                                         const Probe& probe,
                                         Random& random,
                                         const ForwardOptions& options = {});

/// The largest token norm that a search finds behind the modules, over the ball.
[[nodiscard]] double reached(const GraphBuilder& builder,
                             const std::vector<Module>& modules,
                             const Probe& probe,
                             Random& random,
                             const ForwardOptions& options = {});

/// |f(first) - f(second)| / |first - second| in the max-token norm, for `step` times `direction`
/// added to `first`.
[[nodiscard]] double quotient(const ForwardModel& model,
                              const Matrix& first,
                              const Matrix& direction,
                              double step);

/// What a random attention looks like.
struct AttentionShape {
    Eigen::Index width = 4;
    Eigen::Index head_width = 2;
    std::size_t heads = 2;
    std::size_t key_value_heads = 2;
    double weight_gain = 1.0;
    double bias_gain = 0.0;  ///< 0: no biases
    double score_scale = 1.0;
    Rotary rotary = Rotary::none;
    bool causal = true;
};

[[nodiscard]] Attention random_attention(GraphBuilder& builder,
                                         Random& random,
                                         const AttentionShape& shape);

}  // namespace lipcert::test
