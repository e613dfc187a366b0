#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/norms/matrix_ball.hpp"

#include <optional>

namespace lipcert {

/// H + W2 Delta W1 for every diagonal Delta with c - r <= Delta_ii <= c + r: what one hidden layer
/// with a skip path does to a difference of inputs (Delta holds slopes) or to an input (Delta holds
/// the ratios phi(t)/t).
struct DiagonalFamily {
    MatrixBall centre;  ///< Hc = H + c W2 W1, outputs x inputs
    MatrixBall in;      ///< W1, hidden x inputs
    MatrixBall out;     ///< W2, outputs x hidden
    Upper half_width;   ///< r
};

/// Bounds |H + W2 Delta W1| over the whole family by one Cholesky factorisation of a matrix of
/// (outputs + inputs) rows [R10], at a multiplier found by a few steps of descent [R11] from the
/// closed form [R10']. Nothing where no factorisation succeeds. Cost: 4 N d^2 flops a step and
/// (2 d)^3 / 3 a factorisation; the steps are fewer for larger matrices.
[[nodiscard]] std::optional<Upper> lipsdp_bound(const DiagonalFamily& family,
                                                Effort effort = Effort::standard);

}  // namespace lipcert
