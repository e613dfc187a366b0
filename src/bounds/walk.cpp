#include "bounds/walk.hpp"

#include "lipcert/bounds/mlp.hpp"
#include "lipcert/bounds/normalisation.hpp"
#include "lipcert/bounds/rules.hpp"
#include "lipcert/error.hpp"

#include <utility>
#include <variant>

#include "bounds/best.hpp"
#include "bounds/gated_mlp.hpp"
#include "bounds/squared_relu.hpp"

namespace lipcert {

namespace {

void require_same_width(Eigen::Index skip, Eigen::Index branch, const std::string& where) {
    if (skip != branch) {
        throw Error(ErrorKind::architecture,
                    where,
                    "a residual branch of width " + std::to_string(branch) +
                        " is added to a stream of width " + std::to_string(skip));
    }
}

}  // namespace

StreamBounds Walk::through(const StreamBounds& in,
                           const Module& module,
                           const std::string& where) const {
    StreamBounds out = in;
    std::visit([&](const auto& kind) { apply(kind, out, where); }, module.kind);
    return out;
}

StreamBounds Walk::through_all(const StreamBounds& in,
                               const std::vector<Module>& modules,
                               const std::string& where) const {
    StreamBounds stream = in;
    for (const Module& module : modules) {
        stream = through(stream, module, where);
    }
    return materialised(stream);
}

StreamBounds Walk::materialised(const StreamBounds& in) {
    StreamBounds out = in;
    if (!in.fold) {
        return out;
    }
    const FoldNorms norms = measure_fold(*in.fold);
    advance(out, norms.gain, "R14");
    map_radii(out,
              [&](const Upper& radius) { return affine_radius(norms.gain, norms.offset, radius); });
    out.fold.reset();
    return out;
}

AffineMap Walk::read_on(const StreamBounds& stream,
                        const LinearMap& map,
                        const std::string& where) const {
    AffineMap stored = read_affine(checkpoint_, map, where);
    if (static_cast<std::size_t>(stored.weight.cols()) != stream.width) {
        throw Error(ErrorKind::architecture,
                    where,
                    "'" + map.weight + "' reads vectors of " +
                        std::to_string(stored.weight.cols()) + " numbers, but the stream has " +
                        std::to_string(stream.width));
    }
    if (!stream.fold) {
        return stored;
    }
    return folded(std::move(stored), *stream.fold);
}

void Walk::apply(const LinearMap& map, StreamBounds& stream, const std::string& where) const {
    const AffineMap affine = read_on(stream, map, where);
    const Upper norm = spectral_norm(affine.weight).upper();
    const Upper bias = frobenius_norm(affine.bias);
    stream.fold.reset();
    stream.width = static_cast<std::size_t>(affine.weight.rows());
    advance(stream, norm, "R1");
    map_radii(stream, [&](const Upper& radius) { return affine_radius(norm, bias, radius); });
}

void Walk::apply(const Normalisation& norm, StreamBounds& stream, const std::string& where) const {
    if (norm.kind == NormKind::unit) {
        throw Error(
            ErrorKind::architecture,
            where,
            "a unit norm has a proved rule on queries and keys only; expected an RMS norm or "
            "a layer norm here");
    }
    stream = materialised(stream);
    const auto width = static_cast<Eigen::Index>(stream.width);
    stream.fold = read_fold(checkpoint_, norm, width, where);
    const Upper steepest = normalisation_lipschitz(norm.epsilon, where);
    const std::optional<Lower> floor = minimum_rms(norm);
    const Upper lipschitz = normalisation_lipschitz(norm.epsilon, floor, where);
    // The chain now holds `lipschitz`, a bound that was rounded up once: steepest over that very
    // number is what the chain lacks of 1/sqrt(epsilon).
    stream.norm = NormInChain{Upper::exact(1.0), std::nullopt};
    if (floor) {
        stream.norm->excess = max(steepest / Lower::of(lipschitz.value()), Upper::exact(1.0));
        stream.norm->shell = shell_of(stream.width, norm.epsilon, *floor);
    }
    advance(stream, lipschitz, floor ? "R15" : "R14");
    map_radii(stream, [&](const Upper& radius) {
        return normalisation_radius(stream.width, norm.epsilon, radius);
    });
}

MlpBlock Walk::read_mlp(const StreamBounds& stream,
                        const Mlp& mlp,
                        const std::string& where) const {
    MlpBlock block;
    block.in = read_on(stream, mlp.in, where);
    StreamBounds hidden;
    hidden.width = static_cast<std::size_t>(block.in.weight.rows());
    block.out = read_on(hidden, mlp.out, where);
    block.activation = mlp.activation;
    block.activation_scale = mlp.activation_scale;
    block.branch_scale = Interval::exact(1.0);
    return block;
}

void Walk::pass(const MlpBlock& block, StreamBounds& stream, const std::string& where) const {
    if (!has_bounded_slope(block.activation)) {
        require_bounded(stream, "an mlp of squared relus", where);
    }
    MlpBlockBounds bounds =
        bound_mlp_block(block, stream.ball_radius, stream.domain_radius, effort_);
    if (stream.fold && stream.norm && !block.skip) {
        join_norm(block, *stream.norm, stream.domain_radius, effort_, bounds);
    }
    stream.fold.reset();
    stream.width = static_cast<std::size_t>(block.out.weight.rows());
    stream.ball_radius = bounds.ball_radius;
    stream.domain_radius = bounds.domain_radius;
    note(bounds.alternatives, stream);
    advance(stream, bounds.lipschitz, bounds.rule);
}

void Walk::apply(const Mlp& mlp, StreamBounds& stream, const std::string& where) const {
    pass(read_mlp(stream, mlp, where), stream, where);
}

/// The maps of a gated mlp and their norms.
struct Walk::MeasuredGatedMlp {
    GatedMlpBlock block;  ///< matrices that no rule looks at any more are left out
    GatedMlpNorms norms;
    std::size_t outputs = 0;
    bool by_units = true;  ///< whether rules look at single units
};

Walk::MeasuredGatedMlp Walk::read_gated_mlp(const StreamBounds& stream,
                                            const GatedMlp& mlp,
                                            const std::string& where) const {
    MeasuredGatedMlp result;
    GatedMlpBlock& block = result.block;
    GatedMlpNorms& norms = result.norms;
    block.scale = mlp.activation_scale.magnitude();
    block.gate = read_on(stream, mlp.gate, where);
    const Eigen::Index units = block.gate.weight.rows();
    // One matrix at a time, but where rules look at single units.
    result.by_units = units <= kMostUnits;
    norms.gate = measure_units(block.gate);
    if (!result.by_units && has_bounded_slope(mlp.activation)) {
        block.gate.weight = MatrixBall();
    }
    block.up = read_on(stream, mlp.up, where);
    if (block.up.weight.rows() != units) {
        throw Error(ErrorKind::architecture,
                    where,
                    "'" + mlp.gate.weight + "' and '" + mlp.up.weight +
                        "' are multiplied entry by entry but have different numbers of outputs");
    }
    norms.up = measure_units(block.up);
    if (!result.by_units) {
        block.up.weight = MatrixBall();
    }
    StreamBounds hidden;
    hidden.width = static_cast<std::size_t>(units);
    block.down = read_on(hidden, mlp.down, where);
    norms.down = spectral_norm(block.down.weight).upper();
    norms.down_bias = frobenius_norm(block.down.bias);
    result.outputs = static_cast<std::size_t>(block.down.weight.rows());
    if (!result.by_units) {
        block.down.weight = MatrixBall();
    }
    return result;
}

void Walk::apply(const GatedMlp& mlp, StreamBounds& stream, const std::string& where) const {
    require_bounded(stream, "a gated mlp", where);
    MeasuredGatedMlp measured = read_gated_mlp(stream, mlp, where);
    GatedMlpBlock& block = measured.block;
    const GatedMlpNorms& norms = measured.norms;
    const Upper& scale = block.scale;
    // [R39] the radius of z is at most sqrt(d), and the slope at |z| = sqrt(rho d) is
    // sqrt(1 - rho) of the largest: sqrt(rho (1 - rho)) <= 1/2.
    const std::optional<NormInChain> norm = stream.fold ? stream.norm : std::nullopt;
    const Upper sphere = sqrt(Upper::of_count(stream.width));
    stream.fold.reset();
    stream.width = measured.outputs;
    const auto activation_on = [&](const Upper& radius) {
        return has_bounded_slope(mlp.activation)
                   ? activation_bounds(mlp.activation)
                   : activation_bounds(mlp.activation, largest_argument(block.gate, radius));
    };
    const auto constant = [&](const Upper& radius, const Upper& symmetric_factor) {
        block.activation = activation_on(radius);
        const Upper plain = gated_mlp_lipschitz(norms, block.activation, scale, radius);
        return measured.by_units
                   ? min(plain, weighted_gated_mlp_bound(block, radius, symmetric_factor))
                   : plain;
    };
    const Upper two = Upper::of_count(2);
    const Upper on_ball = constant(stream.domain_radius, two);
    Best best("gated mlp");
    best.offer(gated_mlp_lipschitz(norms, block.activation, scale, stream.domain_radius),
               "R13 norms",
               "R13");
    best.offer(on_ball, "R13");
    if (norm && is_zero(block.gate.bias) && is_zero(block.up.bias)) {
        // Half of the sphere's constant, not of a smaller ball's: the slope of z is steeper inside.
        const Upper at_sphere = stream.domain_radius < sphere ? constant(sphere, two) : on_ball;
        best.offer(at_sphere.scaled(-1) * norm->excess, "R13 R39");
        if (norm->shell) {
            const Upper factor = sqrt(two) * (Upper::exact(1.0) + norm->shell->radial_share);
            best.offer(constant(stream.domain_radius, min(factor, two)), "R13 R40");
        }
    }
    best.decide();
    note(best.alternatives(), stream);
    advance(stream, best.upper(), best.rule());
    map_radii(stream, [&](const Upper& radius) {
        return gated_mlp_radius(norms, activation_on(radius), scale, radius);
    });
}

std::optional<Lower> Walk::minimum_rms(const Normalisation& norm) const {
    const auto found = conditions_.minimum_rms.find(&norm);
    return found == conditions_.minimum_rms.end() ? std::nullopt
                                                  : std::optional<Lower>(found->second);
}

/// s Q x + a mlp(x) acts token by token, so that it is bounded as one map [R10].
void Walk::apply_jointly(const Residual& residual,
                         StreamBounds& stream,
                         const std::string& where) const {
    MlpBlock block = read_mlp(stream, std::get<Mlp>(residual.body.front().kind), where);
    block.branch_scale = residual.branch_scale;
    const auto width = static_cast<Eigen::Index>(stream.width);
    const AffineMap skip =
        residual.projection
            ? read_on(stream, *residual.projection, where)
            : AffineMap{MatrixBall::of(Matrix::Identity(width, width)), MatrixBall::zero(width, 1)};
    require_same_width(skip.weight.rows(), block.out.weight.rows(), where);
    block.skip = AffineMap{scaled_by(skip.weight, residual.skip_scale),
                           scaled_by(skip.bias, residual.skip_scale)};
    pass(block, stream, where);
    stream.largest_sum = max(stream.largest_sum, stream.ball_radius);
}

void Walk::apply(const Residual& residual, StreamBounds& stream, const std::string& where) const {
    stream = materialised(stream);
    if (residual.body.size() == 1 && std::holds_alternative<Mlp>(residual.body.front().kind)) {
        apply_jointly(residual, stream, where);
        return;
    }
    StreamBounds fresh;
    fresh.width = stream.width;
    fresh.ball_radius = stream.ball_radius;
    fresh.domain_radius = stream.domain_radius;

    StreamBounds skip = fresh;
    if (residual.projection) {
        apply(*residual.projection, skip, where);
    }
    const StreamBounds branch = through_all(fresh, residual.body, where);
    require_same_width(
        static_cast<Eigen::Index>(skip.width), static_cast<Eigen::Index>(branch.width), where);
    // [R5] |s Pr dx + a df| <= |s| |Pr| |dx| + |a| L |dx|, in either norm; radii likewise.
    const Upper kept = residual.skip_scale.magnitude();
    const Upper added = residual.branch_scale.magnitude();
    stream.width = branch.width;
    stream.lipschitz *= kept * skip.lipschitz + added * branch.lipschitz;
    stream.frobenius *= kept * skip.frobenius + added * branch.frobenius;
    stream.ball_radius = kept * skip.ball_radius + added * branch.ball_radius;
    stream.domain_radius = kept * skip.domain_radius + added * branch.domain_radius;
    stream.rule = joined_rules({stream.rule, skip.rule, branch.rule});
    note(branch.alternatives, stream);
    stream.largest_sum = max(max(stream.largest_sum, branch.largest_sum), stream.ball_radius);
    count_score(branch.largest_score, stream);
}

void Walk::apply(const Parallel& parallel, StreamBounds& stream, const std::string& where) const {
    StreamBounds fresh = stream;
    fresh.lipschitz = fresh.frobenius = Upper::exact(1.0);
    fresh.rule.clear();
    fresh.alternatives.clear();
    StreamBounds total;
    total.alternatives = stream.alternatives;
    total.lipschitz = total.frobenius = Upper();
    for (const std::vector<Module>& modules : parallel.branches) {
        const StreamBounds branch = through_all(fresh, modules, where);
        if (total.width != 0 && total.width != branch.width) {
            throw Error(ErrorKind::architecture,
                        where,
                        "parallel branches of widths " + std::to_string(total.width) + " and " +
                            std::to_string(branch.width) + " are added");
        }
        total.width = branch.width;
        total.lipschitz += branch.lipschitz;  // [R4]
        total.frobenius += branch.frobenius;
        total.ball_radius += branch.ball_radius;
        total.domain_radius += branch.domain_radius;
        total.rule = joined_rules({total.rule, branch.rule});
        note(branch.alternatives, total);
        total.largest_sum = max(total.largest_sum, branch.largest_sum);
        count_score(branch.largest_score, total);
    }
    if (parallel.branches.empty()) {
        throw Error(ErrorKind::architecture, where, "a sum of parallel branches has no branch");
    }
    total.lipschitz *= stream.lipschitz;
    total.frobenius *= stream.frobenius;
    total.rule = joined_rules({stream.rule, total.rule});
    total.largest_sum = max(max(total.largest_sum, stream.largest_sum), total.ball_radius);
    count_score(stream.largest_score, total);
    stream = total;
}

void Walk::apply(const Scale& scale, StreamBounds& stream, const std::string& /*where*/) const {
    stream = materialised(stream);
    const Upper factor = scale.factor.magnitude();
    advance(stream, factor, "R1");
    map_radii(stream, [&](const Upper& radius) { return factor * radius; });
}

void Walk::apply(const Elementwise& module, StreamBounds& stream, const std::string& where) const {
    stream = materialised(stream);
    const bool is_bounded = has_bounded_slope(module.activation);
    if (!is_bounded) {
        require_bounded(stream, "a squared relu", where);
    }
    // [R6] [R44] entry by entry, in either norm; |phi(t)| <= ratio |t|, |t| <= radius.
    advance(stream,
            activation_bounds(module.activation, stream.domain_radius).slope,
            is_bounded ? "R6" : "R44");
    map_radii(stream, [&](const Upper& radius) {
        return activation_bounds(module.activation, radius).ratio * radius;
    });
}

void Walk::apply(const SoftCap& cap, StreamBounds& stream, const std::string& where) const {
    if (!cap.cap.is_positive()) {
        throw Error(ErrorKind::architecture, where, "a soft-cap must be positive");
    }
    stream = materialised(stream);
    // [R17] every entry has slope at most 1 and stays below the cap.
    const Upper corner = cap.cap.magnitude() * sqrt(Upper::of_count(stream.width));
    advance(stream, Upper::exact(1.0), "R17");
    map_radii(stream, [&](const Upper& radius) { return min(radius, corner); });
}

}  // namespace lipcert
