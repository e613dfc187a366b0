#pragma once

#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/execution/evaluate.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace lipcert {

struct AttackOptions {
    std::vector<double> radii;  ///< of each token's perturbation, L2; positive
    std::size_t steps = 10;     ///< of projected gradient ascent, for each radius
    std::function<void(std::size_t, std::size_t)> progress = {};  ///< sequences done, their number
};

/// Accuracy of the next token under perturbations of the embedding stream that move no token by
/// more than `radius`, both as shares of all predicted tokens. The true one lies between:
/// `attacked` counts the tokens that no perturbation tried made wrong, `certified` those whose
/// margin exceeds radius x logit_difference.
struct AttackPoint {
    double radius = 0.0;
    double certified = 0.0;
    double attacked = 0.0;
};

/// One point for each radius, in ascending order. Perturbed streams stay in the domain of `bounds`:
/// of others the certificate says nothing. Margins are measured in float64 and count as certified
/// where they exceed the bound by 1e-6 of the largest logit and of themselves, which is far more
/// than the rounding of a run, but not a proof of it.
[[nodiscard]] std::vector<AttackPoint> attack(const Transformer& model,
                                              const std::vector<TokenSequence>& sequences,
                                              const NetworkBounds& bounds,
                                              const AttackOptions& options);

}  // namespace lipcert
