#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <optional>

namespace lipcert {

/// Turns the entries of one head (n x head_dim, row = position) by the angles of their positions.
void rotate(Matrix& head, const RotaryAngles& angles);

/// How one head weighs tokens.
struct HeadScores {
    double scale = 1.0;                     ///< tau: scores are tau query.key
    std::optional<double> cap = {};         ///< c: c tanh(score / c)
    std::optional<double> sink_score = {};  ///< of one more key, whose value is zero
    bool causal = true;                     ///< only tokens up to the own one
};

/// Softmax averages of the rows of `values`.
[[nodiscard]] Matrix softmax_average(const Matrix& query,
                                     const Matrix& key,
                                     const Matrix& values,
                                     const HeadScores& scores);

}  // namespace lipcert
