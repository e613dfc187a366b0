#include "bounds/unit_bounds.hpp"

#include "lipcert/bounds/mlp.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "bounds/best.hpp"
#include "bounds/lazy.hpp"
#include "bounds/lipsdp.hpp"
#include "bounds/multiplier.hpp"

namespace lipcert {

namespace {

/// Hc = H + c W2 W1; `linear` is W2 W1.
MatrixBall family_centre(const std::optional<MatrixBall>& skip,
                         const MatrixBall& linear,
                         const SlopeRange& range) {
    const MatrixBall centred = scaled_by(linear, range.centre);
    return skip ? sum(*skip, centred) : centred;
}

std::optional<MatrixBall> skip_weight(const MlpBlock& block) {
    return block.skip ? std::optional(block.skip->weight) : std::nullopt;
}

/// The bound of the family of ratios phi(t)/t, as a linear map of (x, z).
struct RatioBound {
    std::optional<Upper> bound;
    Upper offset;  ///< z

    /// [R12] |f(x)| for |x| <= radius, but for the biases behind the activation.
    [[nodiscard]] Upper radius_after(const Upper& radius) const {
        return bound ? *bound * hypot(radius, offset) : Upper::infinity();
    }
};

/// A z near the best: b1/z weighs as much beside W1 as z beside the radius.
double offset_for(const Upper& bias, const Upper& norm, const Upper& radius) {
    if (bias.is_zero() || norm.is_zero() || !radius.is_finite()) {
        return 0.0;
    }
    const double z = sqrt(radius * bias / Lower::of(norm.value())).to_double();
    return std::isfinite(z) && z >= 0x1p-300 && z <= 0x1p300 ? z : 0.0;
}

/// b / z. 1/z is rounded; the column it scales is a bias of another size, so z b' = b must hold up
/// to the ball: one unit of rounding of b/z.
MatrixBall divided(const MatrixBall& bias, double z) {
    const MatrixBall rounded = scaled_by(bias, 1.0 / z);
    return MatrixBall::around(rounded.centre(),
                              rounded.exponent(),
                              rounded.radius() + Upper::exact(0x1p-51) * frobenius_norm(rounded));
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

/// The less of both bounds of each radius; `jointly`: null where it is not to be tried; `is_least`:
/// whether its radii are seen to be, before the others are computed.
Radii least_radii(const std::function<Radii()>& apart,
                  const std::function<Radii()>& jointly,
                  const std::function<bool(const Radii&)>& is_least) {
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
        {
            const SearchScope scope(&trial);
            second = jointly();
        }
        if (is_least(second)) {
            chosen = kJointly;
            return chosen;
        }
        first = apart();
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

/// R10, and the searches that it was found by.
struct JointBound {
    std::optional<Upper> bound;
    Searches searches;
};

/// The rules for one block; what is expensive is computed when the first of them asks for it.
class UnitBounds {
public:
    UnitBounds(const MlpBlock& block, Effort effort);

    /// Decided.
    [[nodiscard]] Best lipschitz() const;
    /// Of tokens behind the block.
    [[nodiscard]] Radii radii(const Upper& ball_radius, const Upper& domain_radius) const;

private:
    using Centre = std::shared_ptr<const FamilyCentre>;

    [[nodiscard]] Centre centre_for(const SlopeRange& range) const;
    [[nodiscard]] std::optional<Upper> joint_bound() const;
    /// Whether a candidate whose bound is at least about `estimate()` cannot be the least.
    [[nodiscard]] bool is_beaten(const std::function<double()>& estimate) const;
    [[nodiscard]] bool beats_norms(const Radii& after, const Radii& before) const;
    [[nodiscard]] MlpNorms norms() const;
    [[nodiscard]] Upper radius_apart(const Upper& radius) const;
    [[nodiscard]] RatioBound ratio_bound(const Upper& radius) const;

    const MlpBlock& block_;
    Effort effort_;
    ActivationBounds activation_;
    Interval scale_;
    HiddenLayer layer_;
    bool leaves_out_;
    Lazy<Upper> in_norm_, out_norm_, skip_norm_;
    Lazy<MatrixBall> linear_;  ///< W2 W1
    Lazy<Centre> slope_centre_;
    Lazy<JointBound> joint_;  ///< not for what is stated
};

UnitBounds::UnitBounds(const MlpBlock& block, Effort effort)
    : block_(block),
      effort_(effort),
      activation_(unit_constants(block.activation)),
      scale_(block.activation_scale * block.branch_scale),
      layer_(block.in.weight, scaled_by(block.out.weight, scale_)),
      leaves_out_(effort == Effort::standard && steps_of_search(layer_, effort) == 0),
      in_norm_([this] { return spectral_norm(block_.in.weight).upper(); }),
      out_norm_([this] { return spectral_norm(block_.out.weight).upper(); }),
      skip_norm_(
          [this] { return block_.skip ? spectral_norm(block_.skip->weight).upper() : Upper(); }),
      linear_([this] { return product(layer_.out(), layer_.in()); }),
      slope_centre_([this] { return centre_for(activation_.slopes); }),
      joint_([this] {
          JointBound joint;
          const SearchScope scope(&joint.searches);
          joint.bound = joint_bound();
          return joint;
      }) {}

UnitBounds::Centre UnitBounds::centre_for(const SlopeRange& range) const {
    return std::make_shared<const FamilyCentre>(
        family_centre(skip_weight(block_), *linear_, range));
}

std::optional<Upper> UnitBounds::joint_bound() const {
    return lipsdp_bound({**slope_centre_, layer_, activation_.slopes.half_width}, effort_);
}

bool UnitBounds::is_beaten(const std::function<double()>& estimate) const {
    if (!leaves_out_ || is_search_stated() || !joint_->bound) {
        return false;
    }
    const double least = joint_->bound->to_double();
    return std::isfinite(least) && least <= estimate();
}

MlpNorms UnitBounds::norms() const {
    return {*in_norm_, *out_norm_, frobenius_norm(block_.in.bias), frobenius_norm(block_.out.bias)};
}

Best UnitBounds::lipschitz() const {
    // Where R10 may spare the others, one after the other.
    Best best(part_of(block_), leaves_out_ ? Best::kManyEntries : 2 * layer_.in().centre().size());
    // [R5] with [R7]
    best.offer([this]() -> std::optional<Bound> {
        if (is_beaten([this] { return activation_.slope.to_double() * layer_.norms_estimate(); })) {
            return std::nullopt;
        }
        const Upper branch =
            mlp_lipschitz(norms(), activation_, block_.activation_scale.magnitude());
        return Bound{*skip_norm_ + block_.branch_scale.magnitude() * branch, "R7"};
    });
    // [R8] |Hc| + r |W2| |W1|
    const Upper& half_width = activation_.slopes.half_width;
    best.offer([this, &half_width]() -> std::optional<Bound> {
        if (is_beaten([this, &half_width] {
                const FamilyCentre& centre = **slope_centre_;
                return std::exp2(static_cast<double>(centre.map().exponent())) * centre.estimate() +
                       half_width.to_double() * layer_.norms_estimate();
            })) {
            return std::nullopt;
        }
        return Bound{spectral_norm((*slope_centre_)->map()).upper() +
                         half_width * (scale_.magnitude() * *out_norm_) * *in_norm_,
                     "R8"};
    });
    if (effort_ != Effort::fast) {
        best.offer([this]() -> std::optional<Bound> {
            const bool is_found = leaves_out_ && !is_search_stated();
            const std::optional<Upper> joint = is_found ? joint_->bound : joint_bound();
            if (is_found) {
                take_over(joint_->searches);
            }
            return joint ? std::optional(Bound{*joint, "R10"}) : std::nullopt;
        });
    }
    best.decide();
    return best;
}

/// [R5] with [R12]
Upper UnitBounds::radius_apart(const Upper& radius) const {
    const Upper bias = block_.skip ? frobenius_norm(block_.skip->bias) : Upper();
    return affine_radius(*skip_norm_, bias, radius) +
           block_.branch_scale.magnitude() *
               mlp_radius(norms(), activation_, block_.activation_scale.magnitude(), radius);
}

/// [R12]
RatioBound UnitBounds::ratio_bound(const Upper& radius) const {
    const SlopeRange& range = activation_.ratios;
    if (is_zero(block_.in.bias)) {
        const Centre centre =
            range.centre == activation_.slopes.centre ? *slope_centre_ : centre_for(range);
        return {lipsdp_bound({*centre, layer_, range.half_width}), Upper()};
    }
    const double z = offset_for(frobenius_norm(block_.in.bias), *in_norm_, radius);
    if (z == 0.0) {
        return {};
    }
    const MatrixBall column = divided(block_.in.bias, z);
    const HiddenLayer augmented(layer_, column);
    std::optional<MatrixBall> skip = skip_weight(block_);
    if (skip) {
        skip = stack_columns({*skip, MatrixBall::zero(skip->rows(), 1)});
    }
    const FamilyCentre centre(
        family_centre(skip, stack_columns({*linear_, product(layer_.out(), column)}), range));
    return {lipsdp_bound({centre, augmented, range.half_width}), Upper::exact(z)};
}

/// Whether the radii by norms, |W2| |W1| times those before at least, are no less in any case.
bool UnitBounds::beats_norms(const Radii& after, const Radii& before) const {
    if (!leaves_out_ || layer_.vanishes()) {
        return false;
    }
    const double slope = activation_.ratio.to_double() * layer_.norms_estimate();
    const auto is_less = [&](const Upper& radius, const Upper& radius_before) {
        const double least = radius.to_double();
        const double norms = slope * radius_before.to_double();
        return !radius_before.is_finite() || (std::isfinite(norms) && least <= norms);
    };
    return is_less(after.ball, before.ball) && is_less(after.domain, before.domain);
}

Radii UnitBounds::radii(const Upper& ball_radius, const Upper& domain_radius) const {
    const auto apart = [&] {
        return Radii{radius_apart(ball_radius), radius_apart(domain_radius)};
    };
    const auto jointly = [&] {
        const RatioBound ratios = ratio_bound(ball_radius);
        const Upper bias = block_.branch_scale.magnitude() * frobenius_norm(block_.out.bias) +
                           (block_.skip ? frobenius_norm(block_.skip->bias) : Upper());
        return Radii{ratios.radius_after(ball_radius) + bias,
                     ratios.radius_after(domain_radius) + bias};
    };
    const auto is_least = [&](const Radii& after) {
        return beats_norms(after, {ball_radius, domain_radius});
    };
    return least_radii(
        apart,
        effort_ == Effort::fast ? std::function<Radii()>() : std::function<Radii()>(jointly),
        is_least);
}

}  // namespace

ActivationBounds unit_constants(Activation activation) {
    return activation_bounds(activation, Upper::exact(1.0));
}

std::string part_of(const MlpBlock& block) {
    return block.skip ? "mlp with skip path" : "mlp";
}

MlpBlockBounds bound_units(const MlpBlock& block,
                           const Upper& ball_radius,
                           const Upper& domain_radius,
                           Effort effort) {
    const UnitBounds bounds(block, effort);
    const Best best = bounds.lipschitz();
    const Radii radii = bounds.radii(ball_radius, domain_radius);
    return {best.upper(), best.rule(), best.alternatives(), radii.ball, radii.domain};
}

}  // namespace lipcert
