#pragma once

#include "bounds/mlp_block.hpp"

namespace lipcert {

/// The constants of the activation; of a squared relu, those for the units that
/// `squared_relu_units` makes [R44].
[[nodiscard]] ActivationBounds unit_constants(Activation activation);

/// How the block is named among the parts of a block.
[[nodiscard]] std::string part_of(const MlpBlock& block);

/// R7 to R12 for the constants of `unit_constants`. Of maps too large for steps of a multiplier,
/// with the standard effort, rules are left out that estimates from below show to be worse than R10
/// and R12.
[[nodiscard]] MlpBlockBounds bound_units(const MlpBlock& block,
                                         const Upper& ball_radius,
                                         const Upper& domain_radius,
                                         Effort effort);

}  // namespace lipcert
