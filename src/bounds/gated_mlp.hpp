#pragma once

#include "lipcert/bounds/activation.hpp"
#include "lipcert/bounds/affine.hpp"

#include <string>

namespace lipcert {

/// down(scale * phi(gate x) o (up x)) on |x| <= radius.
struct GatedMlpBlock {
    AffineMap gate, up, down;
    ActivationBounds activation;
    Upper scale;
};

/// A Lipschitz constant on the ball and the rule that won.
struct GatedMlpBound {
    Upper lipschitz;
    std::string rule;
    /// Without biases of gate and up the constant is proportional to the radius [R39].
    bool proportional = false;
};

/// sup |(A x) o (B y)| / (|x| |y|) <= sqrt(lmax((A A^T) o (B B^T))) [R13]; this is the symmetric
/// matrix in the root, for maps of one height.
[[nodiscard]] MatrixBall entrywise_gram(const MatrixBall& a, const MatrixBall& b);

/// The bounds of [R13] that weigh hidden units one by one: by their sizes on the ball, and by
/// Schur's product; +inf for more hidden units than kMostUnits, where they would cost more than
/// the rest of a certificate. Cost: N^3 flops for N hidden units.
[[nodiscard]] GatedMlpBound weighted_gated_mlp_bound(const GatedMlpBlock& block,
                                                     const Upper& radius);

}  // namespace lipcert
