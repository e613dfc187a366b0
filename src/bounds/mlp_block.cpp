#include "bounds/mlp_block.hpp"

#include "lipcert/bounds/mlp.hpp"

#include <cmath>
#include <utility>

#include "bounds/best.hpp"
#include "bounds/lipsdp.hpp"

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

std::optional<AugmentedRatios> bound_ratios(const MlpBlock& block,
                                            const MatrixBall& out,
                                            const MatrixBall& both,
                                            const MlpNorms& norms,
                                            const Upper& radius) {
    const SlopeRange range = activation_bounds(block.activation).ratios;
    std::optional<MatrixBall> skip;
    if (block.skip) {
        skip = block.skip->weight;
    }
    MatrixBall in = block.in.weight;
    MatrixBall linear = both;
    AugmentedRatios result;
    if (!is_zero(block.in.bias)) {
        const double z = offset_for(norms.in_bias, norms.in, radius);
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
    const std::optional<Upper> bound = lipsdp_bound(family_of(skip, linear, in, out, range));
    if (!bound) {
        return std::nullopt;
    }
    result.bound = *bound;
    return result;
}

}  // namespace

MlpBlockBounds bound_mlp_block(const MlpBlock& block,
                               const Upper& ball_radius,
                               const Upper& domain_radius,
                               Effort effort) {
    const MlpNorms norms = measure_mlp(block.in, block.out);
    const ActivationBounds activation = activation_bounds(block.activation);
    const Upper activation_scale = block.activation_scale.magnitude();
    const Upper branch_scale = block.branch_scale.magnitude();
    const Upper skip_norm = block.skip ? spectral_norm(block.skip->weight).upper() : Upper();
    const Upper skip_bias = block.skip ? frobenius_norm(block.skip->bias) : Upper();

    Best best(block.skip ? "mlp with skip path" : "mlp");
    // [R5] with [R7]
    best.offer(skip_norm + branch_scale * mlp_lipschitz(norms, activation, activation_scale), "R7");
    const MatrixBall out = scaled_by(block.out.weight, block.activation_scale * block.branch_scale);
    std::optional<MatrixBall> skip;
    if (block.skip) {
        skip = block.skip->weight;
    }
    const MatrixBall both = product(out, block.in.weight);
    const DiagonalFamily slopes = family_of(skip, both, block.in.weight, out, activation.slopes);
    // [R8] |Hc| + r |W2| |W1|
    best.offer(spectral_norm(slopes.centre).upper() +
                   slopes.half_width * spectral_norm(out).upper() * norms.in,
               "R8");
    std::optional<AugmentedRatios> ratios;
    if (effort != Effort::fast) {
        if (const auto joint = lipsdp_bound(slopes, effort)) {
            best.offer(*joint, "R10");
        }
        ratios = bound_ratios(block, out, both, norms, ball_radius);
    }
    MlpBlockBounds bounds;
    bounds.lipschitz = best.upper();
    bounds.rule = best.rule();
    bounds.alternatives = best.alternatives();
    const Upper bias = skip_bias + branch_scale * norms.out_bias;
    const auto radius_after = [&](const Upper& radius) {
        const Upper apart = affine_radius(skip_norm, skip_bias, radius) +
                            branch_scale * mlp_radius(norms, activation, activation_scale, radius);
        // [R12]
        return ratios ? min(apart, ratios->bound * hypot(radius, ratios->offset) + bias) : apart;
    };
    bounds.ball_radius = radius_after(ball_radius);
    bounds.domain_radius = radius_after(domain_radius);
    return bounds;
}

}  // namespace lipcert
