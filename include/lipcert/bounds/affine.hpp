#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/interval.hpp"

#include <string>

namespace lipcert {

/// x -> W x + b, rounding included.
struct AffineMap {
    MatrixBall weight;  ///< outputs x inputs
    MatrixBall bias;    ///< outputs x 1; zero where the model has none
};

/// gamma o z + beta, the affine part of a normalisation, on its way into the weights of the maps
/// that read it [R14].
struct Fold {
    MatrixBall gamma;      ///< width x 1
    MatrixBall beta;       ///< width x 1
    bool centred = false;  ///< z has mean zero, so only W (I - 11^T/d) counts
};

/// Reads `map` as outputs x inputs, whatever its layout, with its slice and its bias. `where` names
/// the module in messages. Throws Error{architecture} where a tensor is missing or has another
/// shape.
[[nodiscard]] AffineMap read_affine(const Checkpoint& checkpoint,
                                    const LinearMap& map,
                                    const std::string& where);

/// A stored vector of `size` entries, whatever its rank.
[[nodiscard]] Vector read_vector(const Checkpoint& checkpoint,
                                 const std::string& name,
                                 Eigen::Index size,
                                 const std::string& where);

/// The matrix of `name`. Throws Error{architecture} where there is none.
[[nodiscard]] Matrix read_matrix(const Checkpoint& checkpoint,
                                 const std::string& name,
                                 const std::string& where);

/// The same map as a function of z: W diag(gamma) P and W beta + b [R14].
[[nodiscard]] AffineMap folded(AffineMap map, const Fold& fold);

/// The outputs [begin, begin + count) of a map.
[[nodiscard]] AffineMap output_block(const AffineMap& map, Eigen::Index begin, Eigen::Index count);

/// Whether the zero matrix is the only member.
[[nodiscard]] bool is_zero(const MatrixBall& a);

/// factor * A for every point of an interval.
[[nodiscard]] MatrixBall scaled_by(const MatrixBall& a, const Interval& factor);

/// The largest |W x + b| over |x| <= radius: |W| radius + |b| [R1] [R2].
[[nodiscard]] Upper affine_radius(const Upper& norm, const Upper& bias, const Upper& radius);

}  // namespace lipcert
