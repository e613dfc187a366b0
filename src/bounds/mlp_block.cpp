#include "bounds/mlp_block.hpp"

#include "lipcert/bounds/rules.hpp"

#include "bounds/gated_mlp.hpp"
#include "bounds/squared_relu.hpp"
#include "bounds/unit_bounds.hpp"

namespace lipcert {

namespace {

/// [R44] max(0, g)^2 = max(0, g) g: the constant of a gated mlp, beside that of the skip path [R5].
/// `symmetric_factor`: as for weighted_gated_mlp_bound.
Upper bound_as_gated(const MlpBlock& block, const Upper& radius, const Upper& symmetric_factor) {
    const Upper skip = block.skip ? spectral_norm(block.skip->weight).upper() : Upper();
    const GatedMlpBlock gated{block.in,
                              block.in,
                              block.out,
                              activation_bounds(Activation::relu),
                              (block.activation_scale * block.branch_scale).magnitude()};
    return skip + weighted_gated_mlp_bound(gated, radius, symmetric_factor);
}

void offer(const Upper& candidate,
           const std::string& part,
           const std::string& rule,
           MlpBlockBounds& bounds) {
    bounds.alternatives.push_back({part, rule, candidate});
    if (candidate < bounds.lipschitz) {
        bounds.lipschitz = candidate;
        bounds.rule = rule;
    }
}

/// [R44] Each unit has the slopes of the ball that the stream stays in.
MlpBlockBounds bound_squared_relu(const MlpBlock& block,
                                  const Upper& ball_radius,
                                  const Upper& domain_radius,
                                  Effort effort) {
    MlpBlock scaled = block;
    scaled.in = squared_relu_units(block.in, domain_radius);
    MlpBlockBounds bounds = bound_units(scaled, ball_radius, domain_radius, effort);
    if (ball_radius != domain_radius) {
        scaled.in = squared_relu_units(block.in, ball_radius);
        bounds.ball_radius = bound_units(scaled, ball_radius, ball_radius, effort).ball_radius;
    }
    if (effort != Effort::fast) {
        offer(bound_as_gated(block, domain_radius, Upper::of_count(2)),
              part_of(block),
              "R13",
              bounds);
    }
    for (RuleValue& value : bounds.alternatives) {
        value.rule = joined_rules({value.rule, "R44"});
    }
    bounds.rule = joined_rules({bounds.rule, "R44"});
    return bounds;
}

}  // namespace

MlpBlockBounds bound_mlp_block(const MlpBlock& block,
                               const Upper& ball_radius,
                               const Upper& domain_radius,
                               Effort effort) {
    return has_bounded_slope(block.activation)
               ? bound_units(block, ball_radius, domain_radius, effort)
               : bound_squared_relu(block, ball_radius, domain_radius, effort);
}

void join_norm(const MlpBlock& block,
               const NormInChain& norm,
               const Upper& radius,
               Effort effort,
               MlpBlockBounds& bounds) {
    if (has_bounded_slope(block.activation) || !is_zero(block.in.bias)) {
        return;
    }
    const Upper sphere = sqrt(Upper::of_count(static_cast<std::size_t>(block.in.weight.cols())));
    // [R39] Half of the sphere's constant, not of a smaller ball's.
    const MlpBlockBounds at_sphere =
        radius < sphere ? bound_squared_relu(block, sphere, sphere, effort) : bounds;
    offer(at_sphere.lipschitz.scaled(-1) * norm.excess,
          part_of(block),
          joined_rules({at_sphere.rule, "R39"}),
          bounds);
    if (norm.shell && effort != Effort::fast) {
        const Upper two = Upper::of_count(2);
        const Upper factor = sqrt(two) * (Upper::exact(1.0) + norm.shell->radial_share);
        offer(
            bound_as_gated(block, radius, min(factor, two)), part_of(block), "R13 R44 R40", bounds);
    }
}

}  // namespace lipcert
