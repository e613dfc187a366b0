#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/rules.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "bounds/best.hpp"
#include "bounds/head_weights.hpp"

namespace lipcert {

namespace {

/// The heads that add something to the output, one entry of each list per head. The derivative of
/// u . out_i by the keys' tokens is at most sum_h |B_h^T u| (1 joined with key_factor |N_h^T x|/R +
/// key_offset and with key_square), that by the query's token at most
/// sum_h |B_h^T u| (query_factor |N_h^T dx| + query_addend |dx|).
struct Heads {
    HeadSum values;                  ///< B_h
    std::optional<HeadSum> moved;    ///< B_h of the query part, where it has its own
    std::vector<MatrixBall> inputs;  ///< N_h
    std::vector<Upper> ones;
    std::vector<Upper> key_factors;
    std::vector<Upper> key_offsets;
    std::vector<Upper> key_squares;
    std::vector<Upper> query_factors;
    std::vector<Upper> query_addends;
    std::vector<Upper> value_key;  ///< of each head on its own: 1 joined with k
    std::vector<Upper> query;      ///< of each head on its own
    Joining joining = Joining::parallel;

    [[nodiscard]] const HeadSum& of_query() const { return moved ? *moved : values; }
};

/// [R24] The value part and the key part, where what keys add by their own squares joins both:
/// v^2 + v s/4 + k^2 + s^2 + k^2 s^2/(k^2 + s^2), under a root. As `joined` says for s = 0.
Upper joined_with_squares(const Upper& value,
                          const Upper& key,
                          const Upper& squares,
                          Joining joining) {
    if (squares.is_zero()) {
        return joined(value, key, joining);
    }
    if (!key.is_finite() || !squares.is_finite()) {
        return Upper::infinity();
    }
    const Lower same_key = Lower::of(key.value());  // the very numbers
    const Lower same_squares = Lower::of(squares.value());
    const Upper met = square(key * squares) / (same_key * same_key + same_squares * same_squares);
    return sqrt(square(value) + value * squares.scaled(-2) + square(key) + square(squares) + met);
}

/// [R24] The scores with keys' own squares among the offsets: where a rule uses no more of them.
ScorePath with_squares_as_offsets(ScorePath scores) {
    for (ScoreHead& head : scores.heads) {
        head.key_offset += head.key_square;
        head.key_square = Upper();
    }
    return scores;
}

void add_head(const MatrixBall& block, const Upper& norm, HeadSum& sum) {
    sum.blocks.push_back(block);
    sum.norms.push_back(norm);
}

/// B_h = [P_h, share b_h] for b_h beside P_h.
void add_head(const HeadSum& values, std::size_t head, const Upper& share, HeadSum& sum) {
    const MatrixBall block =
        stack_columns({values.blocks[head], scaled_by(values.beside[head], share.to_double())});
    add_head(block, spectral_norm(block).upper(), sum);
}

Heads heads_of(const HeadSum& values,
               const ScorePath& scores,
               const Upper& score_scale,
               const Upper& radius) {
    Heads heads;
    heads.joining = scores.joining;
    heads.values.effort = values.effort;
    if (!values.beside.empty()) {
        heads.moved.emplace().effort = values.effort;
    }
    const Upper score = score_scale * radius;
    const Upper one = Upper::exact(1.0);
    for (std::size_t h = 0; h < values.norms.size(); ++h) {
        if (values.norms[h].is_zero() &&
            (values.beside.empty() || frobenius_norm(values.beside[h]).is_zero())) {
            continue;
        }
        const ScoreHead& head = scores.heads[h];
        heads.inputs.push_back(head.shared);
        heads.ones.push_back(one);
        heads.key_factors.push_back(score * head.key_factor * radius);
        heads.key_offsets.push_back(score * head.key_offset);
        heads.key_squares.push_back(score * head.key_square);
        heads.query_factors.push_back(score * head.query_factor);
        const Upper key =
            affine_radius(heads.key_factors.back(), heads.key_offsets.back(), head.shared_norm);
        heads.value_key.push_back(
            joined_with_squares(one, key, heads.key_squares.back(), scores.joining));
        if (values.beside.empty()) {
            add_head(values.blocks[h], values.norms[h], heads.values);
        } else {
            add_head(values, h, share_beside_values(key, scores.joining), heads.values);
            add_head(values, h, one, *heads.moved);
        }
        heads.query_addends.push_back(score * head.query_addend);
        heads.query.push_back(affine_radius(
            heads.query_factors.back(), heads.query_addends.back(), head.shared_norm));
    }
    return heads;
}

/// `norm` of [factors_h N_h / sqrt(c_h)]_h [R21] [R40].
template <class Norm>
Upper scaled_norm(const std::vector<MatrixBall>& inputs,
                  const std::vector<Upper>& factors,
                  const HeadWeights& weights,
                  Norm norm) {
    Upper largest;
    for (const Upper& factor : factors) {
        largest = max(largest, factor);
    }
    if (largest.is_zero()) {
        return {};
    }
    if (!largest.is_finite()) {
        return Upper::infinity();
    }
    std::vector<double> roots;
    for (std::size_t h = 0; h < inputs.size(); ++h) {
        const Upper share = factors[h] / Lower::of(largest.value());
        roots.push_back((share * Upper::exact(weights.inverse_roots[h])).to_double());
    }
    return norm(inputs, roots) * largest;
}

/// sqrt(lmax(sum_h factors_h^2 N_h N_h^T / c_h)) [R21].
Upper shared_norm(const std::vector<MatrixBall>& inputs,
                  const std::vector<Upper>& factors,
                  const HeadWeights& weights) {
    return scaled_norm(inputs, factors, weights, weighted_norm);
}

/// The same with the sum of the two largest eigenvalues [R40].
Upper shared_pair_norm(const std::vector<MatrixBall>& inputs,
                       const std::vector<Upper>& factors,
                       const HeadWeights& weights) {
    return scaled_norm(inputs, factors, weights, weighted_pair_norm);
}

/// [R20] with weights of its own for these gains.
Upper weighted_head_sum(const HeadSum& values, const std::vector<Upper>& gains) {
    const HeadWeights weights =
        optimised_weights({.outputs = values.blocks, .gains = gains, .effort = values.effort},
                          weights_for(gains, values.norms));
    return weighted_norm(values.blocks, weights.roots) * weighted_gain(gains, weights);
}

/// [R21] [R23] [R24] sqrt(sum 1/c_h) joined with sqrt(sum |w_h|^2 / c_h), where
/// |w_h| <= key_factor_h |N_h^T x|/R + key_offset_h for the x that all heads share.
Upper shared_value_key(const Heads& heads, const HeadWeights& weights) {
    const Upper keys = shared_norm(heads.inputs, heads.key_factors, weights) +
                       weighted_gain(heads.key_offsets, weights);
    return joined_with_squares(weighted_gain(heads.ones, weights),
                               keys,
                               weighted_gain(heads.key_squares, weights),
                               heads.joining);
}

/// Weights for the two parts of R21, each near its minimum.
std::vector<HeadWeights> weights_of_shared_parts(const Heads& heads) {
    std::vector<Upper> key_constants = heads.key_offsets;
    for (std::size_t h = 0; h < key_constants.size(); ++h) {
        key_constants[h] += heads.key_squares[h];
    }
    const HeadProblem value_key{heads.values.blocks,
                                heads.ones,
                                &heads.inputs,
                                heads.key_factors,
                                std::move(key_constants),
                                heads.joining,
                                heads.values.effort};
    const HeadProblem query{.outputs = heads.of_query().blocks,
                            .gains = {},
                            .inputs = &heads.inputs,
                            .factors = heads.query_factors,
                            .offsets = heads.query_addends,
                            .effort = heads.values.effort};
    return {optimised_weights(value_key, weights_for(heads.value_key, heads.values.norms)),
            optimised_weights(query, weights_for(heads.query, heads.of_query().norms))};
}

/// The least bound of the value and key part. `scores`: the rule of the scores.
Best best_value_key(const Heads& heads,
                    const std::vector<HeadWeights>& shared_weights,
                    const std::string& scores) {
    Best best("values and keys");
    best.offer([&] { return plain_sum(heads.values, heads.value_key); }, scores);
    if (heads.inputs.size() > 1) {
        best.offer([&] { return weighted_head_sum(heads.values, heads.value_key); },
                   scores + " R20");
    }
    for (const HeadWeights& weights : shared_weights) {
        best.offer(
            [&] {
                return weighted_norm(heads.values.blocks, weights.roots) *
                       shared_value_key(heads, weights);
            },
            scores + " R21");
    }
    return best.decide();
}

/// The least of max(near(delta), far/delta) over a range of thresholds delta.
template <class Function>
Upper split_at_threshold(const Upper& sphere, const Upper& far, Function near) {
    constexpr int kHalvings = 24;
    Upper best = Upper::infinity();
    for (int k = 1; k <= kHalvings; ++k) {
        const Upper delta = sphere.scaled(-k);
        best = min(best, max(near(delta), far / Lower::of(delta.value())));
    }
    return best;
}

}  // namespace

AttentionBound attention_bound(const HeadSum& values,
                               const ScorePath& scores,
                               const Upper& score_scale,
                               const Upper& radius) {
    const Heads heads = heads_of(values, scores, score_scale, radius);
    const std::vector<HeadWeights> shared_weights =
        heads.inputs.size() > 1 ? weights_of_shared_parts(heads) : std::vector<HeadWeights>();
    const Best value_key = best_value_key(heads, shared_weights, scores.rule);
    Best query("query");
    query.offer([&] { return plain_sum(heads.of_query(), heads.query); }, scores.rule);
    if (heads.inputs.size() > 1) {
        query.offer([&] { return weighted_head_sum(heads.of_query(), heads.query); },
                    scores.rule + " R20");
    }
    for (const HeadWeights& weights : shared_weights) {
        query.offer(
            [&] {
                return weighted_norm(heads.of_query().blocks, weights.roots) *
                       (shared_norm(heads.inputs, heads.query_factors, weights) +
                        weighted_gain(heads.query_addends, weights));
            },
            scores.rule + " R21");
    }
    query.decide();
    AttentionBound bound{value_key.upper(),
                         query.upper(),
                         joined_rules({scores.rule, value_key.rule(), query.rule()}),
                         value_key.alternatives()};
    bound.alternatives.insert(
        bound.alternatives.end(), query.alternatives().begin(), query.alternatives().end());
    return bound;
}

AttentionBound attention_bound(const HeadSum& values,
                               const std::vector<ScorePath>& paths,
                               const Upper& score_scale,
                               const Upper& radius) {
    AttentionBound best = attention_bound(values, paths.front(), score_scale, radius);
    for (std::size_t i = 1; i < paths.size(); ++i) {
        const AttentionBound other = attention_bound(values, paths[i], score_scale, radius);
        if (other.value_key < best.value_key || other.query < best.query) {
            best.rule = joined_rules({best.rule, other.rule});
        }
        best.value_key = min(best.value_key, other.value_key);
        best.query = min(best.query, other.query);
        best.alternatives.insert(
            best.alternatives.end(), other.alternatives.begin(), other.alternatives.end());
    }
    return best;
}

Bound behind_norm(const HeadSum& values,
                  const ScorePath& scores,
                  const Upper& score_scale,
                  const Upper& sphere) {
    // [R39] one head: sqrt(1 + G^2), G = max(k, q) + offsets; the shares of both parts are
    // key_factor |N^T x| for a unit x, so the bound reads like a value and key part.
    ScorePath joint = with_squares_as_offsets(scores);
    joint.joining = Joining::orthogonal;
    for (ScoreHead& head : joint.heads) {
        head.key_offset += head.query_offset * head.shared_norm + head.query_addend;
    }
    const Heads heads = heads_of(values, joint, score_scale, sphere);
    const std::vector<HeadWeights> shared_weights =
        heads.inputs.size() > 1 ? weights_of_shared_parts(heads) : std::vector<HeadWeights>();
    const Best best = best_value_key(heads, shared_weights, scores.rule);
    return {best.upper(), joined_rules({best.rule(), "R39"})};
}

// Each of the six is a quantity of the theorem; a structure for one call would say less.
// NOLINTNEXTLINE(readability-function-size)
Upper on_shell(const HeadSum& values,
               const ScorePath& scores,
               const Upper& score_scale,
               const Shell& shell,
               const Upper& sphere,
               const SphereReach& reach) {
    const Heads heads = heads_of(values, with_squares_as_offsets(scores), score_scale, sphere);
    if (heads.inputs.empty()) {
        return {};
    }
    // One factor for keys and query, so that both are images of one matrix M.
    const Upper root_two = sqrt(Upper::of_count(2));
    std::vector<Upper> factors;
    std::vector<Upper> both;
    for (std::size_t h = 0; h < heads.inputs.size(); ++h) {
        factors.push_back(max(heads.key_factors[h], heads.query_factors[h]));
        both.push_back(root_two * factors[h]);
    }
    const HeadWeights start = weights_for(heads.value_key, heads.values.norms);
    const HeadWeights weights = optimised_weights({heads.values.blocks,
                                                   heads.ones,
                                                   &heads.inputs,
                                                   both,
                                                   heads.key_offsets,
                                                   Joining::parallel,
                                                   heads.values.effort},
                                                  start);
    const Upper outputs = weighted_norm(heads.values.blocks, weights.roots);
    const Upper one = weighted_gain(heads.ones, weights);
    const Upper offset =
        weighted_gain(heads.key_offsets, weights) + weighted_gain(heads.query_addends, weights);
    const Upper largest = shared_norm(heads.inputs, factors, weights);
    const Upper pair = shared_pair_norm(heads.inputs, factors, weights);
    Upper joint = one + root_two * pair;
    if (heads.joining == Joining::orthogonal) {
        joint = min(joint, root_two * hypot(one, pair));
    }
    Upper apart;
    if (reach.across.is_finite()) {
        // [R22] Half of the query part looks across the values: of a sum a + b, a + b/2 is left.
        joint = (joint + joined(one, largest, heads.joining)).scaled(-1);
        apart = reach.across.scaled(-1);
    }
    return split_at_threshold(sphere, (reach.gain * sphere).scaled(1), [&](const Upper& delta) {
        // |m|^2 = |z|^2/2 + |z'|^2/2 - |z - z'|^2/4 for the middle m of z and z'.
        const Lower middle =
            sqrt(shell.inner_radius * shell.inner_radius - square(delta.scaled(-1)));
        const Upper slack =
            delta.scaled(-1) / Lower::of(sphere.value()) + shell.radial_share * (sphere / middle);
        return outputs * (joint + offset + largest * slack) + apart;
    });
}

}  // namespace lipcert
