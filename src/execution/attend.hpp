#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/tensor/matrix.hpp"

namespace lipcert {

/// Turns the entries of one head (n x head_dim, row = position) by the angles of their positions.
void rotate(Matrix& head, const RotaryAngles& angles);

/// Softmax averages of the rows of `values` with scores tau query.key; causal: over the tokens up
/// to the own one.
[[nodiscard]] Matrix softmax_average(
    const Matrix& query, const Matrix& key, const Matrix& values, double tau, bool causal);

}  // namespace lipcert
