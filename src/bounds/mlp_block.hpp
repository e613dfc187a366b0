#pragma once

#include "lipcert/bounds/activation.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/effort.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/rounding/interval.hpp"

#include <optional>
#include <string>
#include <vector>

#include "bounds/norm_in_chain.hpp"

namespace lipcert {

/// H x + h + scale (W2 phi(W1 x + b1) + b2): an MLP, with the skip path of its residual if it has
/// one. What acts token by token may be bounded as one map.
struct MlpBlock {
    AffineMap in, out;
    Activation activation = Activation::relu;
    Interval activation_scale;      ///< in front of phi
    Interval branch_scale;          ///< in front of the whole MLP
    std::optional<AffineMap> skip;  ///< H and h; none: 0
};

/// One block for tokens of norm at most `ball_radius` or `domain_radius` (which may be infinite).
struct MlpBlockBounds {
    Upper lipschitz;
    std::string rule;
    std::vector<RuleValue> alternatives;
    Upper ball_radius;
    Upper domain_radius;
};

/// The least of R7 with R5, R8 and R10 for the Lipschitz constant, of R5 and R12 for the radii;
/// R10 and R12 only where the effort allows their search. Of a squared relu the same by R44, and
/// R13; its radii must be finite (Error{internal}).
[[nodiscard]] MlpBlockBounds bound_mlp_block(const MlpBlock& block,
                                             const Upper& ball_radius,
                                             const Upper& domain_radius,
                                             Effort effort);

/// Puts in `bounds` what is less where `block`, without a skip path, reads a normalisation on
/// |z| <= radius: nothing but for squared relus without bias [R39] [R40] [R44].
void join_norm(const MlpBlock& block,
               const NormInChain& norm,
               const Upper& radius,
               Effort effort,
               MlpBlockBounds& bounds);

}  // namespace lipcert
