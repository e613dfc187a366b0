#include "bounds/attention_heads.hpp"

#include "lipcert/bounds/rules.hpp"

#include <functional>
#include <utility>

#include "bounds/head_weights.hpp"

namespace lipcert {

namespace {

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

/// B_h = [P_h, share b_h] for b_h beside P_h.
MatrixBall beside_block(const HeadSum& values, std::size_t head, const Upper& share) {
    return stack_columns({values.blocks[head], scaled_by(values.beside[head], share.to_double())});
}

HeadOutputs outputs_of(std::vector<MatrixBall> blocks) {
    HeadOutputs outputs;
    for (const MatrixBall& block : blocks) {
        outputs.norms.push_back(spectral_norm(block).upper());
    }
    outputs.blocks = WeightedBlocks(std::move(blocks));
    return outputs;
}

/// `norm` of the N_h with the roots factors_h / sqrt(c_h) [R21] [R40].
template <class Norm>
Upper scaled_norm(const std::vector<Upper>& factors, const HeadWeights& weights, Norm norm) {
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
    for (std::size_t h = 0; h < factors.size(); ++h) {
        const Upper share = factors[h] / Lower::of(largest.value());
        roots.push_back((share * Upper::exact(weights.inverse_roots[h])).to_double());
    }
    return norm(roots) * largest;
}

/// [R20] with weights of its own for these gains.
Upper weighted_head_sum(const HeadOutputs& outputs,
                        const std::vector<Upper>& gains,
                        Effort effort) {
    const HeadWeights weights =
        optimised_weights({.outputs = outputs.blocks.blocks(), .gains = gains, .effort = effort},
                          weights_for(gains, outputs.norms));
    return outputs.blocks.norm(weights.roots) * weighted_gain(gains, weights);
}

/// A sum over heads: gains of each on its own [R20], and the bound of R21 for weights.
struct Sum {
    const HeadOutputs& outputs;
    const std::vector<Upper>& gains;
    std::function<Upper(const HeadWeights&)> shared;
};

/// The least bound of the sum [R20] [R21].
Best best_sum(const std::string& part,
              const Sum& sum,
              const std::vector<HeadWeights>& shared_weights,
              Effort effort,
              const std::string& rule) {
    Best best(part);
    best.offer([&] { return plain_sum(sum.outputs.norms, sum.gains); }, rule);
    const std::string weighted = rule + " R20";
    const WeightedBlocks& blocks = sum.outputs.blocks;
    if (sum.gains.size() > 1) {
        const auto glance = [&]() -> std::optional<Bound> {
            if (shared_weights.empty() || effort == Effort::fast) {  // no search to be spared
                return std::nullopt;
            }
            const HeadWeights& weights = shared_weights.front();
            if (!head_sum_seems_above(sum.shared(weights), blocks.blocks(), sum.gains, weights)) {
                return std::nullopt;
            }
            return Bound{blocks.norm(weights.roots) * weighted_gain(sum.gains, weights), weighted};
        };
        best.offer_after(glance, [&] {
            return Bound{weighted_head_sum(sum.outputs, sum.gains, effort), weighted};
        });
    }
    for (const HeadWeights& weights : shared_weights) {
        best.offer([&] { return sum.shared(weights); }, rule + " R21");
    }
    return best.decide();
}

}  // namespace

AttentionHeads::AttentionHeads(const HeadSum& sum, const ScorePath& path) {
    values.effort = sum.effort;
    scores.joining = path.joining;
    scores.rule = path.rule;
    std::vector<MatrixBall> shared;
    for (std::size_t h = 0; h < sum.norms.size(); ++h) {
        const bool has_beside = !sum.beside.empty() && !frobenius_norm(sum.beside[h]).is_zero();
        if (sum.norms[h].is_zero() && !has_beside) {
            continue;
        }
        values.blocks.push_back(sum.blocks[h]);
        values.norms.push_back(sum.norms[h]);
        if (!sum.beside.empty()) {
            values.beside.push_back(sum.beside[h]);
        }
        scores.heads.push_back(path.heads[h]);
        shared.push_back(path.heads[h].shared);
    }
    outputs = WeightedBlocks(values.blocks);
    inputs = WeightedBlocks(std::move(shared));
}

ScorePath with_squares_as_offsets(ScorePath scores) {
    for (ScoreHead& head : scores.heads) {
        head.key_offset += head.key_square;
        head.key_square = Upper();
    }
    return scores;
}

HeadGains::HeadGains(const AttentionHeads& heads,
                     const ScorePath& scores,
                     const Upper& score_scale,
                     const Upper& radius)
    : values{heads.outputs, heads.values.norms},
      inputs(heads.inputs),
      joining(scores.joining),
      effort(heads.values.effort) {
    const Upper score = score_scale * radius;
    const Upper one = Upper::exact(1.0);
    std::vector<MatrixBall> with_shares;
    std::vector<MatrixBall> with_all;
    for (std::size_t h = 0; h < scores.heads.size(); ++h) {
        const ScoreHead& head = scores.heads[h];
        ones.push_back(one);
        key_factors.push_back(score * head.key_factor * radius);
        key_offsets.push_back(score * head.key_offset);
        key_squares.push_back(score * head.key_square);
        query_factors.push_back(score * head.query_factor);
        query_addends.push_back(score * head.query_addend);
        const Upper key = affine_radius(key_factors.back(), key_offsets.back(), head.shared_norm);
        value_key.push_back(joined_with_squares(one, key, key_squares.back(), joining));
        query.push_back(
            affine_radius(query_factors.back(), query_addends.back(), head.shared_norm));
        if (!heads.values.beside.empty()) {
            const Upper share = share_beside_values(key, joining);
            with_shares.push_back(beside_block(heads.values, h, share));
            with_all.push_back(beside_block(heads.values, h, one));
        }
    }
    if (!heads.values.beside.empty()) {
        values = outputs_of(std::move(with_shares));
        moved = outputs_of(std::move(with_all));
    }
}

Upper shared_norm(const WeightedBlocks& inputs,
                  const std::vector<Upper>& factors,
                  const HeadWeights& weights) {
    return scaled_norm(
        factors, weights, [&](const std::vector<double>& roots) { return inputs.norm(roots); });
}

Upper shared_pair_norm(const WeightedBlocks& inputs,
                       const std::vector<Upper>& factors,
                       const HeadWeights& weights) {
    return scaled_norm(factors, weights, [&](const std::vector<double>& roots) {
        return inputs.pair_norm(roots);
    });
}

Upper shared_value_key(const HeadGains& heads, const HeadWeights& weights) {
    // sqrt(sum 1/c_h) joined with sqrt(sum |w_h|^2 / c_h), where
    // |w_h| <= key_factor_h |N_h^T x|/R + key_offset_h for the x that all heads share.
    const Upper keys = shared_norm(heads.inputs, heads.key_factors, weights) +
                       weighted_gain(heads.key_offsets, weights);
    return joined_with_squares(weighted_gain(heads.ones, weights),
                               keys,
                               weighted_gain(heads.key_squares, weights),
                               heads.joining) *
           heads.values.blocks.norm(weights.roots);
}

Upper shared_query(const HeadGains& heads, const HeadWeights& weights) {
    return (shared_norm(heads.inputs, heads.query_factors, weights) +
            weighted_gain(heads.query_addends, weights)) *
           heads.of_query().blocks.norm(weights.roots);
}

HeadWeights weights_of_value_key(const HeadGains& heads, const HeadWeights& start) {
    std::vector<Upper> key_constants = heads.key_offsets;
    for (std::size_t h = 0; h < key_constants.size(); ++h) {
        key_constants[h] += heads.key_squares[h];
    }
    return optimised_weights({heads.values.blocks.blocks(),
                              heads.ones,
                              &heads.inputs.blocks(),
                              heads.key_factors,
                              std::move(key_constants),
                              heads.joining,
                              heads.effort},
                             start);
}

HeadWeights weights_of_query(const HeadGains& heads, const HeadWeights& start) {
    return optimised_weights({.outputs = heads.of_query().blocks.blocks(),
                              .gains = {},
                              .inputs = &heads.inputs.blocks(),
                              .factors = heads.query_factors,
                              .offsets = heads.query_addends,
                              .effort = heads.effort},
                             start);
}

Best best_value_key(const HeadGains& heads,
                    const std::vector<HeadWeights>& shared_weights,
                    const std::string& rule) {
    const auto shared = [&](const HeadWeights& weights) {
        return shared_value_key(heads, weights);
    };
    return best_sum("values and keys",
                    {heads.values, heads.value_key, shared},
                    shared_weights,
                    heads.effort,
                    rule);
}

Best best_query(const HeadGains& heads,
                const std::vector<HeadWeights>& shared_weights,
                const std::string& rule) {
    const auto shared = [&](const HeadWeights& weights) { return shared_query(heads, weights); };
    return best_sum(
        "query", {heads.of_query(), heads.query, shared}, shared_weights, heads.effort, rule);
}

}  // namespace lipcert
