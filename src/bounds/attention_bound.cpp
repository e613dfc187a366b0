#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/rules.hpp"

#include <vector>

#include "bounds/attention_heads.hpp"

namespace lipcert {

namespace {

/// [R0] The least of each part over the paths.
template <class Function>
AttentionBound least_over(const std::vector<AttentionHeads>& paths, Function bound_of) {
    AttentionBound least = bound_of(0);
    for (std::size_t i = 1; i < paths.size(); ++i) {
        const AttentionBound other = bound_of(i);
        if (other.value_key < least.value_key || other.query < least.query) {
            least.rule = joined_rules({least.rule, other.rule});
        }
        least.value_key = min(least.value_key, other.value_key);
        least.query = min(least.query, other.query);
        least.alternatives.insert(
            least.alternatives.end(), other.alternatives.begin(), other.alternatives.end());
    }
    return least;
}

/// Weights for the two parts of R21, each near its minimum: they are tried on both.
std::vector<HeadWeights> weights_of_parts(const HeadGains& gains, const HeadWeights* start) {
    const HeadWeights of_value_key = weights_of_value_key(
        gains, start != nullptr ? *start : weights_for(gains.value_key, gains.values.norms));
    const HeadWeights of_query =
        weights_of_query(gains, weights_for(gains.query, gains.of_query().norms));
    return {of_value_key, of_query};
}

AttentionBound bound_of_path(const AttentionHeads& heads,
                             const HeadWeights* start,
                             const Upper& score_scale,
                             const Upper& radius) {
    const HeadGains gains(heads, heads.scores, score_scale, radius);
    const std::vector<HeadWeights> weights =
        gains.ones.size() > 1 ? weights_of_parts(gains, start) : std::vector<HeadWeights>();
    const std::string& rule = heads.scores.rule;
    const Best value_key = best_value_key(gains, weights, rule);
    const Best query = best_query(gains, weights, rule);
    AttentionBound bound{value_key.upper(),
                         query.upper(),
                         joined_rules({rule, value_key.rule(), query.rule()}),
                         value_key.alternatives()};
    bound.alternatives.insert(
        bound.alternatives.end(), query.alternatives().begin(), query.alternatives().end());
    return bound;
}

/// [R21] with these weights alone.
AttentionBound bound_of_weights(const AttentionHeads& heads,
                                const HeadWeights& weights,
                                const Upper& score_scale,
                                const Upper& radius) {
    const HeadGains gains(heads, heads.scores, score_scale, radius);
    const std::string rule = heads.scores.rule + " R21";
    const Upper value_key = shared_value_key(gains, weights);
    const Upper query = shared_query(gains, weights);
    return {value_key, query, rule, {{"values and keys", rule, value_key}, {"query", rule, query}}};
}

}  // namespace

AttentionBound attention_bound(const std::vector<AttentionHeads>& paths,
                               const std::vector<HeadWeights>& starts,
                               const Upper& score_scale,
                               const Upper& radius) {
    return least_over(paths, [&](std::size_t i) {
        const HeadWeights* start = i < starts.size() ? &starts[i] : nullptr;
        return bound_of_path(paths[i], start, score_scale, radius);
    });
}

AttentionBound attention_bound_at(const std::vector<AttentionHeads>& paths,
                                  const std::vector<HeadWeights>& weights,
                                  const Upper& score_scale,
                                  const Upper& radius) {
    return least_over(paths, [&](std::size_t i) {
        return bound_of_weights(paths[i], weights[i], score_scale, radius);
    });
}

AttentionBound attention_bound(const HeadSum& values,
                               const ScorePath& scores,
                               const Upper& score_scale,
                               const Upper& radius) {
    return attention_bound({AttentionHeads(values, scores)}, {}, score_scale, radius);
}

}  // namespace lipcert
