#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/rules.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bounds/attention_heads.hpp"
#include "bounds/behind_norm.hpp"
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

/// Where R39 and R40 hold: no other normalisation in between, and no value that a sink keeps.
bool may_be_joined(const AttentionWeights& weights) {
    const bool spread_shrinks = !weights.sink || is_zero(weights.value.bias);
    return spread_shrinks && !weights.query_norm && !weights.key_norm;
}

/// [R39] [R40] What is bounded together with the normalisation before it, for each path of scores.
/// All searches are made here, so that candidates share what they find.
class JointWithNorm {
public:
    /// `sphere`: sqrt(d). The paths must outlive it.
    JointWithNorm(const std::vector<AttentionHeads>& paths,
                  const NormInChain& norm,
                  const Upper& score_scale,
                  const Upper& sphere)
        : excess_(norm.excess) {
        for (const AttentionHeads& heads : paths) {
            Path path{heads.scores.rule, BehindNorm(heads, score_scale, sphere), std::nullopt};
            if (norm.shell) {
                path.on_shell.emplace(heads, score_scale, *norm.shell, sphere);
            }
            paths_.push_back(std::move(path));
        }
    }

    /// Weights that R39 found, one of each path; empty where one head is left.
    [[nodiscard]] std::vector<HeadWeights> weights() const {
        std::vector<HeadWeights> weights;
        for (const Path& path : paths_) {
            if (!path.behind_norm.weights().empty()) {
                weights.push_back(path.behind_norm.weights().front());
            }
        }
        return weights;
    }

    /// The least that R39 gives with these weights alone.
    [[nodiscard]] Upper shared() const {
        Upper least = Upper::infinity();
        for (const Path& path : paths_) {
            least = min(least, path.behind_norm.shared() * excess_);
        }
        return least;
    }

    /// `gain`: of the outputs per |z| [R26]. `across`: gives what `query_across_values` does. All
    /// must outlive the decision of `best`.
    void offer_to(Best& best, const Upper& gain, const std::function<Upper()>& across) const {
        for (const Path& path : paths_) {
            best.offer([this, &path] {
                const Bound joint = path.behind_norm.best();
                return Bound{joint.upper * excess_, joint.rule};
            });
            if (!path.on_shell) {
                continue;
            }
            best.offer(
                [&] {
                    return path.on_shell->bound({gain, Upper::infinity()});
                },
                path.rule + " R40");
            best.offer([&]() -> std::optional<Bound> {
                const SphereReach reach{gain, across()};
                return reach.across.is_finite() ? std::optional(Bound{path.on_shell->bound(reach),
                                                                      path.rule + " R40 R22"})
                                                : std::nullopt;
            });
        }
    }

private:
    struct Path {
        std::string rule;
        BehindNorm behind_norm;
        std::optional<OnShell> on_shell;
    };

    Upper excess_;
    std::vector<Path> paths_;
};

/// Attention as its bounds see it.
struct AttentionRead {
    const AttentionWeights& weights;
    std::vector<AttentionHeads> paths = {};
    Upper radius = {};                        ///< of the tokens
    Upper sphere = {};                        ///< of normalised tokens
    Upper gain = {};                          ///< of the outputs per |x| [R26]
    std::optional<JointWithNorm> joint = {};  ///< behind a normalisation
    Eigen::Index entries = 0;                 ///< of all matrices
};

struct BoundedAttention {
    Best best;
    std::optional<AttentionBound> parts;  ///< in full where the Frobenius norm is asked for
};

/// [R22] with the least bound of the query part.
void refine_query(const AttentionRead& read, AttentionBound& bound) {
    Best least("query by halves");
    least.offer([&] { return bound.query; }, "");
    least.offer([&]() -> std::optional<Bound> {
        const Upper across =
            query_across_values(read.weights, read.radius, read.paths.front().values.effort);
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

AttentionBound both_parts(const AttentionRead& read) {
    AttentionBound parts =
        attention_bound(read.paths,
                        read.joint ? read.joint->weights() : std::vector<HeadWeights>(),
                        read.weights.score_scale,
                        read.radius);
    refine_query(read, parts);
    return parts;
}

/// What both parts give with the weights that R39 found, where R39 is seen to give less; otherwise
/// nothing. Weights of their own, and R22, may lower the query part: by half each, say.
std::optional<AttentionBound> parts_above(const AttentionRead& read) {
    const std::vector<HeadWeights> weights =
        read.joint ? read.joint->weights() : std::vector<HeadWeights>();
    if (weights.size() != read.paths.size()) {
        return std::nullopt;
    }
    AttentionBound parts =
        attention_bound_at(read.paths, weights, read.weights.score_scale, read.radius);
    const bool are_above = read.joint->shared() < parts.value_key + parts.query.scaled(-2);
    return are_above ? std::optional(std::move(parts)) : std::nullopt;
}

BoundedAttention bound_attention(const AttentionRead& read, bool with_frobenius) {
    BoundedAttention result{Best("attention", read.entries), std::nullopt};
    std::optional<AttentionBound>& parts = result.parts;
    if (with_frobenius) {
        parts = both_parts(read);
    }
    const auto of_parts = [&parts] { return Bound{parts->lipschitz(), parts->rule}; };
    result.best.offer_after(
        [&]() -> std::optional<Bound> {
            if (!parts) {
                parts = parts_above(read);
                return parts ? std::optional(of_parts()) : std::nullopt;
            }
            return std::nullopt;
        },
        [&] {
            if (!parts) {
                parts = both_parts(read);
            }
            return of_parts();
        });
    const std::function<Upper()> across = [&] {
        return query_across_values(read.weights, read.sphere, read.paths.front().values.effort);
    };
    if (read.joint) {
        read.joint->offer_to(result.best, read.gain, across);
    }
    result.best.decide();
    return result;
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
    AttentionRead read{.weights = weights, .radius = stream.domain_radius};
    read.sphere = sqrt(Upper::of_count(stream.width));
    read.entries = entries_of(weights);
    stream.fold.reset();
    HeadSum values = value_path(weights, where);  // which holds the heads against the matrices
    values.effort = effort_;
    const Eigen::Index head_dimension =
        weights.query.weight.rows() / static_cast<Eigen::Index>(weights.heads);
    weights.query_norm = read_head_norm(attention.query_norm, head_dimension, where);
    weights.key_norm = read_head_norm(attention.key_norm, head_dimension, where);
    stream.width = static_cast<std::size_t>(weights.output.weight.rows());

    // From here on the heads' thin factors stand for the matrices, but for the rule of R22.
    const bool looks_across = may_look_across(weights);
    if (!looks_across) {
        weights.value.weight = weights.output.weight = MatrixBall();
    }
    const Upper score = largest_score(weights, stream.ball_radius, where);
    count_score(attention.score_cap ? min(score, attention.score_cap->magnitude()) : score, stream);
    const HeadSum moved = sink_values(weights, values, stream.domain_radius);
    for (const ScorePath& path : score_paths(weights, stream.domain_radius, where)) {
        read.paths.emplace_back(moved, path);
    }
    if (!looks_across) {
        weights.query.weight = weights.key.weight = MatrixBall();
    }
    const AttentionRadius reach = attention_radius(weights, values);
    read.gain = reach.gain;
    if (norm && may_be_joined(weights)) {
        read.joint.emplace(read.paths, *norm, weights.score_scale, read.sphere);
    }
    const BoundedAttention bounds = bound_attention(read, sqrt_sequence_length_.has_value());
    if (bounds.parts) {
        note(bounds.parts->alternatives, stream);
    }
    note(bounds.best.alternatives(), stream);
    const Upper scale = attention.output_scale.magnitude();
    stream.lipschitz *= scale * bounds.best.upper();
    stream.frobenius *=
        scale * (sqrt_sequence_length_ ? bounds.parts->frobenius(*sqrt_sequence_length_)
                                       : Upper::infinity());
    stream.rule = joined_rules(
        {stream.rule, bounds.best.rule(), sqrt_sequence_length_ ? bounds.parts->rule : ""});
    map_radii(stream, [&](const Upper& radius) {
        return scale * affine_radius(reach.gain, reach.offset, radius);
    });
}

}  // namespace lipcert
