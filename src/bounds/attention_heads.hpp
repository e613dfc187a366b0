#pragma once

#include "lipcert/bounds/attention.hpp"

#include <optional>
#include <string>
#include <vector>

#include "bounds/best.hpp"
#include "bounds/weighted_blocks.hpp"

namespace lipcert {

/// The heads of one attention that add something to its output, with one path of scores: whatever
/// is bounded from them shares the norms of their weighted blocks.
struct AttentionHeads {
    AttentionHeads(const HeadSum& sum, const ScorePath& path);

    HeadSum values;          ///< without the heads that are left out
    ScorePath scores;        ///< likewise
    WeightedBlocks outputs;  ///< the blocks of `values`
    WeightedBlocks inputs;   ///< N_h
};

/// B_h of a head sum.
struct HeadOutputs {
    WeightedBlocks blocks;
    std::vector<Upper> norms;
};

/// What the heads do to tokens of one radius, one entry of each list per head. The derivative of
/// u . out_i by the keys' tokens is at most sum_h |B_h^T u| (1 joined with key_factor |N_h^T x|/R +
/// key_offset and with key_square), that by the query's token at most
/// sum_h |B_h^T u| (query_factor |N_h^T dx| + query_addend |dx|).
struct HeadGains {
    /// `scores`: those of `heads`, or others for the same N_h.
    HeadGains(const AttentionHeads& heads,
              const ScorePath& scores,
              const Upper& score_scale,
              const Upper& radius);

    [[nodiscard]] const HeadOutputs& of_query() const { return moved ? *moved : values; }

    HeadOutputs values;                ///< B_h
    std::optional<HeadOutputs> moved;  ///< B_h of the query part, where it has its own
    WeightedBlocks inputs;             ///< N_h
    std::vector<Upper> ones;
    std::vector<Upper> key_factors;
    std::vector<Upper> key_offsets;
    std::vector<Upper> key_squares;
    std::vector<Upper> query_factors;
    std::vector<Upper> query_addends;
    std::vector<Upper> value_key;  ///< of each head on its own: 1 joined with k
    std::vector<Upper> query;      ///< of each head on its own
    Joining joining = Joining::parallel;
    Effort effort = Effort::standard;
};

/// [R24] The scores with keys' own squares among the offsets: where a rule uses no more of them.
[[nodiscard]] ScorePath with_squares_as_offsets(ScorePath scores);

/// sqrt(lmax(sum_h factors_h^2 N_h N_h^T / c_h)) [R21].
[[nodiscard]] Upper shared_norm(const WeightedBlocks& inputs,
                                const std::vector<Upper>& factors,
                                const HeadWeights& weights);

/// The same with the sum of the two largest eigenvalues [R40].
[[nodiscard]] Upper shared_pair_norm(const WeightedBlocks& inputs,
                                     const std::vector<Upper>& factors,
                                     const HeadWeights& weights);

/// [R21] [R23] [R24] The value and key part with these weights.
[[nodiscard]] Upper shared_value_key(const HeadGains& heads, const HeadWeights& weights);

/// [R21] The query part with these weights.
[[nodiscard]] Upper shared_query(const HeadGains& heads, const HeadWeights& weights);

/// Weights near the minimum of `shared_value_key`, and of `shared_query`: one search.
[[nodiscard]] HeadWeights weights_of_value_key(const HeadGains& heads, const HeadWeights& start);
[[nodiscard]] HeadWeights weights_of_query(const HeadGains& heads, const HeadWeights& start);

/// The least bound of the value and key part, or of the query part. `shared_weights`: for R21,
/// empty for one head. `rule`: of the scores.
[[nodiscard]] Best best_value_key(const HeadGains& heads,
                                  const std::vector<HeadWeights>& shared_weights,
                                  const std::string& rule);
[[nodiscard]] Best best_query(const HeadGains& heads,
                              const std::vector<HeadWeights>& shared_weights,
                              const std::string& rule);

/// The least of each part over bounds of the same scores [R0]. `starts`: where the searches for
/// weights of the value and key part start, one for each path; or empty.
[[nodiscard]] AttentionBound attention_bound(const std::vector<AttentionHeads>& paths,
                                             const std::vector<HeadWeights>& starts,
                                             const Upper& score_scale,
                                             const Upper& radius);

/// The same by R21 with these weights, one for each path: nothing is searched.
[[nodiscard]] AttentionBound attention_bound_at(const std::vector<AttentionHeads>& paths,
                                                const std::vector<HeadWeights>& weights,
                                                const Upper& score_scale,
                                                const Upper& radius);

}  // namespace lipcert
