#include "bounds/mlp_block.hpp"

#include "lipcert/bounds/mlp.hpp"
#include "lipcert/bounds/rules.hpp"

#include <cmath>
#include <functional>
#include <utility>

#include "bounds/best.hpp"
#include "bounds/gated_mlp.hpp"
#include "bounds/lazy.hpp"
#include "bounds/lipsdp.hpp"
#include "bounds/squared_relu.hpp"

namespace lipcert {

namespace {

/// H + W2 Delta W1 with the entries of Delta in `range`; W2 with its scales, W1 perhaps with a
/// column for the bias; `both` is W2 W1.
DiagonalFamily family_of(const std::optional<MatrixBall>& skip,
                         const MatrixBall& both,
                         MatrixBall in,
                         MatrixBall out,
                         const SlopeRange& range) {
    const MatrixBall linear = scaled_by(both, range.centre);
    return {skip ? sum(*skip, linear) : linear, std::move(in), std::move(out), range.half_width};
}

/// Of the activation; of a squared relu, for the units that `squared_relu_units` makes [R44].
ActivationBounds unit_constants(Activation activation) {
    return activation_bounds(activation, Upper::exact(1.0));
}

/// The family of ratios phi(t)/t read as a linear map of (x, z): H [x; z] + W2 Delta [W1, b1/z].
struct AugmentedRatios {
    Upper bound;
    Upper offset;  ///< z
};

/// A z near the best: b1/z weighs as much beside W1 as z beside the radius.
double offset_for(const Upper& bias, const Upper& norm, const Upper& radius) {
    if (bias.is_zero() || norm.is_zero() || !radius.is_finite()) {
        return 0.0;
    }
    const double z = sqrt(radius * bias / Lower::of(norm.value())).to_double();
    return std::isfinite(z) && z >= 0x1p-300 && z <= 0x1p300 ? z : 0.0;
}

std::optional<MatrixBall> skip_weight(const MlpBlock& block) {
    return block.skip ? std::optional(block.skip->weight) : std::nullopt;
}

std::optional<AugmentedRatios> bound_ratios(const MlpBlock& block,
                                            const MatrixBall& out,
                                            const MatrixBall& both,
                                            const Lazy<MlpNorms>& norms,
                                            const Upper& radius) {
    const SlopeRange range = unit_constants(block.activation).ratios;
    std::optional<MatrixBall> skip = skip_weight(block);
    MatrixBall in = block.in.weight;
    MatrixBall linear = both;
    AugmentedRatios result;
    if (!is_zero(block.in.bias)) {
        const double z = offset_for(norms->in_bias, norms->in, radius);
        if (z == 0.0) {
            return std::nullopt;
        }
        result.offset = Upper::exact(z);
        // 1/z is rounded; the column it scales is a bias of another size, so z b1' = b1 must hold
        // up to the ball: one unit of rounding of b1/z.
        MatrixBall column = scaled_by(block.in.bias, 1.0 / z);
        column =
            MatrixBall::around(column.centre(),
                               column.exponent(),
                               column.radius() + Upper::exact(0x1p-51) * frobenius_norm(column));
        linear = stack_columns({linear, product(out, column)});
        in = stack_columns({in, column});
        if (skip) {
            skip = stack_columns({*skip, MatrixBall::zero(skip->rows(), 1)});
        }
    }
    const std::optional<Upper> bound =
        lipsdp_bound(family_of(skip, linear, std::move(in), out, range));
    if (!bound) {
        return std::nullopt;
    }
    result.bound = *bound;
    return result;
}

/// Of a token behind the block, for inputs in the ball and in the domain.
struct Radii {
    Upper ball, domain;
};

Radii less(const Radii& a, const Radii& b) {
    return {min(a.ball, b.ball), min(a.domain, b.domain)};
}

bool is_at_most(const Radii& a, const Radii& b) {
    return a.ball <= b.ball && a.domain <= b.domain;
}

/// The less of both bounds of each radius; `jointly`: null where it is not to be tried.
Radii least_radii(const std::function<Radii()>& apart, const std::function<Radii()>& jointly) {
    if (!jointly) {
        return apart();
    }
    constexpr std::size_t kApart = 1, kJointly = 2, kBoth = 3;
    const Radii nothing{Upper::infinity(), Upper::infinity()};
    Radii first = nothing;
    Radii second = nothing;
    Searches trial;
    std::size_t chosen = kApart;
    const std::optional<std::size_t> stated = stated_candidate("mlp radii", [&] {
        first = apart();
        const SearchScope scope(&trial);
        second = jointly();
        chosen = is_at_most(first, second) ? kApart : is_at_most(second, first) ? kJointly : kBoth;
        return chosen;
    });
    if (!stated && chosen != kApart) {
        take_over(trial);
    }
    if (stated == kApart || stated == kBoth) {
        first = apart();
    }
    if (stated == kJointly || stated == kBoth) {
        second = jointly();
    }
    return less(first, second);
}

std::string part_of(const MlpBlock& block) {
    return block.skip ? "mlp with skip path" : "mlp";
}

/// R7 to R12 for the constants of `unit_constants`.
MlpBlockBounds bound_units(const MlpBlock& block,
                           const Upper& ball_radius,
                           const Upper& domain_radius,
                           Effort effort) {
    const Lazy<MlpNorms> norms([&] { return measure_mlp(block.in, block.out); });
    const ActivationBounds activation = unit_constants(block.activation);
    const Upper activation_scale = block.activation_scale.magnitude();
    const Upper branch_scale = block.branch_scale.magnitude();
    const Lazy<Upper> skip_norm(
        [&] { return block.skip ? spectral_norm(block.skip->weight).upper() : Upper(); });
    const Upper skip_bias = block.skip ? frobenius_norm(block.skip->bias) : Upper();

    const MatrixBall out = scaled_by(block.out.weight, block.activation_scale * block.branch_scale);
    const Lazy<MatrixBall> both([&] { return product(out, block.in.weight); });
    const Lazy<DiagonalFamily> slopes([&] {
        return family_of(skip_weight(block), *both, block.in.weight, out, activation.slopes);
    });
    Best best(part_of(block), 2 * block.in.weight.rows() * block.in.weight.cols());
    // [R5] with [R7]
    best.offer(
        [&] {
            return *skip_norm + branch_scale * mlp_lipschitz(*norms, activation, activation_scale);
        },
        "R7");
    // [R8] |Hc| + r |W2| |W1|
    best.offer(
        [&] {
            return spectral_norm(slopes->centre).upper() +
                   slopes->half_width * spectral_norm(out).upper() * norms->in;
        },
        "R8");
    if (effort != Effort::fast) {
        best.offer([&]() -> std::optional<Bound> {
            const std::optional<Upper> joint = lipsdp_bound(*slopes, effort);
            return joint ? std::optional(Bound{*joint, "R10"}) : std::nullopt;
        });
    }
    best.decide();
    const Upper bias = skip_bias + branch_scale * frobenius_norm(block.out.bias);
    const auto after = [&](const auto& radius_after) {
        return Radii{radius_after(ball_radius), radius_after(domain_radius)};
    };
    const auto apart = [&] {
        return after([&](const Upper& radius) {
            return affine_radius(*skip_norm, skip_bias, radius) +
                   branch_scale * mlp_radius(*norms, activation, activation_scale, radius);
        });
    };
    // [R12]
    const auto jointly = [&] {
        const auto ratios = bound_ratios(block, out, *both, norms, ball_radius);
        return after([&](const Upper& radius) {
            return ratios ? ratios->bound * hypot(radius, ratios->offset) + bias
                          : Upper::infinity();
        });
    };
    const Radii radii = least_radii(
        apart, effort == Effort::fast ? std::function<Radii()>() : std::function(jointly));
    return {best.upper(), best.rule(), best.alternatives(), radii.ball, radii.domain};
}

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
