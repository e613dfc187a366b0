#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/rules.hpp"

#include <optional>
#include <string>
#include <vector>

#include "bounds/best.hpp"
#include "bounds/walk.hpp"

namespace lipcert {

namespace {

/// Finite numbers that no input moves change no rule [R24] [R42]; reading refuses others.
void read_score_constants(const Checkpoint& checkpoint,
                          const Attention& attention,
                          const std::string& where) {
    if (attention.sink && !attention.sink->scores.empty()) {
        (void)read_matrix(checkpoint, attention.sink->scores, where);
    }
    if (attention.relative_bias) {
        (void)read_matrix(checkpoint, attention.relative_bias->table, where);
    }
}

Eigen::Index entries_of(const AttentionWeights& weights) {
    Eigen::Index entries = 0;
    for (const AffineMap* map : {&weights.query, &weights.key, &weights.value, &weights.output}) {
        entries += map->weight.rows() * map->weight.cols();
    }
    return entries;
}

/// Attention that reads normalised tokens, |z| <= sphere.
struct NormalisedRead {
    const AttentionWeights& weights;
    const HeadSum& values;
    Upper sphere;
    Upper gain;  ///< of the outputs per |z| [R26]
};

/// Where R39 and R40 hold: no other normalisation in between, and no value that a sink keeps.
bool may_be_joined(const AttentionWeights& weights) {
    const bool spread_shrinks = !weights.sink || is_zero(weights.value.bias);
    return spread_shrinks && !weights.query_norm && !weights.key_norm;
}

/// [R39] [R40] The normalisation together with what reads it. All arguments must outlive `best`'s
/// decision.
void offer_jointly(const NormalisedRead& read,
                   const ScorePath& scores,
                   const NormInChain& norm,
                   Best& best) {
    best.offer([&] {
        const Bound joint = behind_norm(read.values, scores, read.weights.score_scale, read.sphere);
        return Bound{joint.upper * norm.excess, joint.rule};
    });
    if (!norm.shell) {
        return;
    }
    const auto shell = [&](const Upper& across) {
        return on_shell(read.values,
                        scores,
                        read.weights.score_scale,
                        *norm.shell,
                        read.sphere,
                        {read.gain, across});
    };
    best.offer([shell] { return shell(Upper::infinity()); }, scores.rule + " R40");
    best.offer([&, shell]() -> std::optional<Bound> {
        const Upper across = query_across_values(read.weights, read.sphere, read.values.effort);
        return across.is_finite() ? std::optional(Bound{shell(across), scores.rule + " R40 R22"})
                                  : std::nullopt;
    });
}

}  // namespace

std::optional<HeadNorm> Walk::read_head_norm(const std::optional<Normalisation>& norm,
                                             Eigen::Index head_dimension,
                                             const std::string& where) const {
    if (!norm) {
        return std::nullopt;
    }
    const FoldNorms norms = measure_fold(read_fold(checkpoint_, *norm, head_dimension, where));
    return HeadNorm{norms.gain, norms.offset, norm->epsilon, minimum_rms(*norm), norm->kind};
}

/// [R22] with the least bound of the query part.
void Walk::refine_query(const AttentionWeights& weights,
                        const Upper& radius,
                        AttentionBound& bound) const {
    Best least("query by halves");
    least.offer([&] { return bound.query; }, "");
    least.offer([&]() -> std::optional<Bound> {
        const Upper across = query_across_values(weights, radius, effort_);
        if (!across.is_finite()) {
            return std::nullopt;
        }
        const Bound half{(bound.query + across).scaled(-1), "R22"};
        bound.alternatives.push_back({"query", half.rule, half.upper});
        return half;
    });
    least.decide();
    bound.query = least.upper();
    bound.rule = joined_rules({bound.rule, least.rule()});
}

AttentionWeights Walk::read_attention(const StreamBounds& stream,
                                      const Attention& attention,
                                      const std::string& where) const {
    AttentionWeights weights;
    weights.score_scale = product_scale(attention);
    weights.query = read_on(stream, attention.query, where);
    weights.key = read_on(stream, attention.key, where);
    weights.value = read_on(stream, attention.value, where);
    weights.output = read_affine(checkpoint_, attention.output, where);
    weights.heads = attention.heads;
    weights.key_value_heads = attention.key_value_heads;
    weights.rotary = attention.rotary;
    weights.rotations = rotations_of(attention, longest_stream_);
    weights.capped = attention.score_cap.has_value();
    weights.sink = attention.sink.has_value();
    weights.squared_distance = attention.squared_distance;
    read_score_constants(checkpoint_, attention, where);
    return weights;
}

void Walk::apply(const Attention& attention, StreamBounds& stream, const std::string& where) const {
    require_bounded(stream, "attention", where);
    AttentionWeights weights = read_attention(stream, attention, where);
    const std::optional<NormInChain> norm = stream.fold ? stream.norm : std::nullopt;
    const Upper sphere = sqrt(Upper::of_count(stream.width));
    stream.fold.reset();
    HeadSum values = value_path(weights, where);  // which holds the heads against the matrices
    values.effort = effort_;
    const Eigen::Index head_dimension =
        weights.query.weight.rows() / static_cast<Eigen::Index>(weights.heads);
    weights.query_norm = read_head_norm(attention.query_norm, head_dimension, where);
    weights.key_norm = read_head_norm(attention.key_norm, head_dimension, where);
    stream.width = static_cast<std::size_t>(weights.output.weight.rows());
    Best best("attention", entries_of(weights));

    // From here on the heads' thin factors stand for the matrices, but for the rule of R22.
    const bool looks_across = may_look_across(weights);
    if (!looks_across) {
        weights.value.weight = weights.output.weight = MatrixBall();
    }
    const Upper score = largest_score(weights, stream.ball_radius, where);
    count_score(attention.score_cap ? min(score, attention.score_cap->magnitude()) : score, stream);
    const std::vector<ScorePath> paths = score_paths(weights, stream.domain_radius, where);
    if (!looks_across) {
        weights.query.weight = weights.key.weight = MatrixBall();
    }
    const HeadSum moved = sink_values(weights, values, stream.domain_radius);
    std::optional<AttentionBound> parts;
    const auto both_parts = [&] {
        if (!parts) {
            parts = attention_bound(moved, paths, weights.score_scale, stream.domain_radius);
            refine_query(weights, stream.domain_radius, *parts);
        }
        return Bound{parts->lipschitz(), parts->rule};
    };
    std::string rule_of_frobenius;
    if (sqrt_sequence_length_) {
        rule_of_frobenius = both_parts().rule;
    }
    const AttentionRadius reach = attention_radius(weights, values);
    const Upper scale = attention.output_scale.magnitude();
    const NormalisedRead read{weights, values, sphere, reach.gain};
    best.offer(both_parts);
    if (norm && may_be_joined(weights)) {
        for (const ScorePath& scores : paths) {
            offer_jointly(read, scores, *norm, best);
        }
    }
    best.decide();
    if (parts) {
        note(parts->alternatives, stream);
    }
    note(best.alternatives(), stream);
    stream.lipschitz *= scale * best.upper();
    stream.frobenius *= scale * (sqrt_sequence_length_ ? parts->frobenius(*sqrt_sequence_length_)
                                                       : Upper::infinity());
    stream.rule = joined_rules({stream.rule, best.rule(), rule_of_frobenius});
    map_radii(stream, [&](const Upper& radius) {
        return scale * affine_radius(reach.gain, reach.offset, radius);
    });
}

}  // namespace lipcert
