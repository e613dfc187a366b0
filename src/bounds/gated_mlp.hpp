#pragma once

#include "lipcert/bounds/activation.hpp"
#include "lipcert/bounds/affine.hpp"

namespace lipcert {

/// Beyond so many hidden units, rules that look at each of them would cost more than the rest of a
/// certificate.
constexpr Eigen::Index kMostUnits = 3072;

/// down(scale * phi(gate x) o (up x)) on |x| <= radius.
struct GatedMlpBlock {
    AffineMap gate, up, down;
    ActivationBounds activation;
    Upper scale;
};

/// sup |(A x) o (B y)| / (|x| |y|) <= sqrt(lmax((A A^T) o (B B^T))) [R13]; this is the symmetric
/// matrix in the root, for maps of one height.
[[nodiscard]] MatrixBall entrywise_gram(const MatrixBall& a, const MatrixBall& b);

/// The same for (A x) o (B y) + (A y) o (B x) relative to |x y^T + y x^T|_F: half of
/// (A A^T) o (B B^T) + (A B^T) o (B A^T) [R13].
[[nodiscard]] MatrixBall symmetric_entrywise_gram(const MatrixBall& a, const MatrixBall& b);

/// The bounds of [R13] that weigh hidden units one by one: by their sizes on the ball, and by
/// Schur's product; +inf for more hidden units than kMostUnits. `symmetric_factor`: |x y^T + y x^T|
/// <= symmetric_factor |x| |y| for the x and the dx = y that occur: 2, or less where they are
/// nearly orthogonal [R40]. Cost: N^3 flops for N hidden units.
[[nodiscard]] Upper weighted_gated_mlp_bound(const GatedMlpBlock& block,
                                             const Upper& radius,
                                             const Upper& symmetric_factor);

}  // namespace lipcert
