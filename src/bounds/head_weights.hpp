#pragma once

#include "lipcert/bounds/head_sum.hpp"

#include <vector>

namespace lipcert {

/// What a bound that weighs heads minimises over c_h > 0: |[sqrt(c_h) B_h]_h| times
///   sqrt(sum_h gains_h^2 / c_h)  joined with
///   |[factors_h N_h / sqrt(c_h)]_h| + sqrt(sum_h offsets_h^2 / c_h)       [R20] [R21] [R23]
/// where the two join as the scores' `Joining` says. An empty list counts as zeros.
struct HeadProblem {
    const std::vector<MatrixBall>& outputs;           ///< B_h
    std::vector<Upper> gains;                         ///< one for each head
    const std::vector<MatrixBall>* inputs = nullptr;  ///< N_h
    std::vector<Upper> factors = {};
    std::vector<Upper> offsets = {};
    Joining joining = Joining::parallel;
    Effort effort = Effort::standard;  ///< fast: the start is kept
};

/// Weights near the minimum, by a subgradient descent in rounded arithmetic on log c. They decide
/// how sharp the bound is, never whether it holds [R0]. Cost: at most 40 steps (200 with every
/// effort), each some 24 products of all B_h and of all N_h with a vector, in float32.
[[nodiscard]] HeadWeights optimised_weights(const HeadProblem& problem, const HeadWeights& start);

/// Whether no weights seem to bring the head sum of R20 with these gains below `bound`: a look, in
/// rounded arithmetic, at the blocks along the directions that count most with these weights. It
/// tells where a search is worth its time; nothing is proved by it.
[[nodiscard]] bool head_sum_seems_above(const Upper& bound,
                                        const std::vector<MatrixBall>& blocks,
                                        const std::vector<Upper>& gains,
                                        const HeadWeights& weights);

}  // namespace lipcert
