#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include "norms/smaller_side.hpp"

namespace lipcert {

/// What float64 knows of a few directions V, with Y = fl(W V) and R = fl(W^T Y) - V H: the small
/// matrices of [S9] as computed, and how far each entry may be from the truth.
struct Projection {
    Matrix s, h, c;                    ///< V^T V, Y^T Y, R^T R
    Matrix s_error, h_error, c_error;  ///< entrywise, at least
    double residual_error = 0.0;       ///< at least |R - (W^T W V - V H)|_F
};

/// Directions V, n x j, and as computed Y = W V, m x j, and Z = W^T Y, n x j.
struct Images {
    MatrixView v, y, z;
};

/// [S9] `frobenius` >= |W|_F.
[[nodiscard]] Projection project(const SmallerSide& side, const Images& images, double frobenius);

/// [S9] The least level tau that a short search upward from the top of the projection proves to be
/// at least |W|_2^2, where `beta` bounds the quadratic form on what is orthogonal to the
/// directions; +inf where there is none.
[[nodiscard]] double lowest_level(const Projection& projection, double beta);

/// [S9] |W v|/|v| of the best combination v of the directions, from below.
[[nodiscard]] Lower quotient_of_top(const Projection& projection);

}  // namespace lipcert
