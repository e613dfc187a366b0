#pragma once

#include "lipcert/bounds/attention_weights.hpp"
#include "lipcert/bounds/head_sum.hpp"
#include "lipcert/bounds/network_bounds.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// What a query head's scores contribute. With x_i the token that asks and x_j the tokens that
/// answer, the derivative of score ij is, for |x| <= R and for every relative rotation,
///   by x_j:  at most tau (key_factor |N^T x_i| + key_offset + key_square |x_j| / R),
///   by x_i:  the covariance term is at most tau R (query_factor |N^T dx_i| + query_addend |dx_i|)
///            per unit of |P^T u|.
/// N is d x d_h, or m times the identity of two directions that stand for all [R43]; the covariance
/// is that of the tokens under softmax [R18]. All heads see the same x_i and dx_i: that is what
/// [R21] exploits.
struct ScoreHead {
    MatrixBall shared;  ///< N
    Upper shared_norm;  ///< |N|
    Upper key_factor;
    Upper key_offset;
    Upper key_square;    ///< |Wk|^2 R where scores hold |k|^2 [R24]
    Upper query_factor;  ///< key_factor R + query_offset, except for [R16]
    Upper query_offset;  ///< what a key bias adds
    Upper query_addend;  ///< the same, where it does not act through N [R24]
};

/// The scores of all heads and how their key part joins the value part.
struct ScorePath {
    std::vector<ScoreHead> heads;
    Joining joining = Joining::parallel;
    std::string rule;  ///< "R19", "R23" or "R16", with "R24" for a cap or a sink
};

/// The two halves of the Lipschitz constant of attention in the max-token norm; their sum is one.
/// In the Frobenius norm for n tokens: sqrt(n) value_key + query [R27].
struct AttentionBound {
    Upper value_key;
    Upper query;
    std::string rule;
    std::vector<RuleValue> alternatives = {};

    [[nodiscard]] Upper lipschitz() const { return value_key + query; }

    [[nodiscard]] Upper frobenius(const Upper& sqrt_sequence_length) const {
        return sqrt_sequence_length * value_key + query;
    }
};

/// The radius of attention's output is gain * R + offset [R26].
struct AttentionRadius {
    Upper gain;
    Upper offset;
};

/// P_h = Wo_h Wv_h as thin factors. Throws Error{architecture} where the shapes of the four maps
/// and the head counts contradict each other.
[[nodiscard]] HeadSum value_path(const AttentionWeights& weights, const std::string& where);

/// `values` for the constant of attention on tokens of norm at most `radius`: beside a sink, whose
/// value is zero, a value bias counts where scores move [R24]; without one these are `values`.
[[nodiscard]] HeadSum sink_values(const AttentionWeights& weights,
                                  const HeadSum& values,
                                  const Upper& radius);

/// The scores of every head for tokens of norm at most `radius`: [R19] without rotary positions,
/// [R23] with them, [R16] where queries or keys are normalised; [R24] with a cap or a sink, or of
/// squared distances: Error{architecture} where one of the others comes with those.
[[nodiscard]] ScorePath score_path(const AttentionWeights& weights,
                                   const Upper& radius,
                                   const std::string& where);

/// What `score_path` gives, and, where `weights.rotations` is set and queries and keys are not
/// normalised, the scores by the rotations that occur [R43]. Cost of the latter: a norm of a
/// d_h x d_h matrix for each head and rotation.
[[nodiscard]] std::vector<ScorePath> score_paths(const AttentionWeights& weights,
                                                 const Upper& radius,
                                                 const std::string& where);

/// The largest |score| of a head for tokens of norm at most `radius`: tau |q| |k|, or
/// tau (|Wq x| + |Wk y| + |bq - bk|)^2 of squared distances [R26].
[[nodiscard]] Upper largest_score(const AttentionWeights& weights,
                                  const Upper& radius,
                                  const std::string& where);

/// The best of the plain sum over heads, the weighted head sum [R20] and the shared bound [R21].
[[nodiscard]] AttentionBound attention_bound(const HeadSum& values,
                                             const ScorePath& scores,
                                             const Upper& score_scale,
                                             const Upper& radius);

/// Where [R22] holds: without rotary positions, normalised queries or keys, capped scores, a sink.
[[nodiscard]] bool may_look_across(const AttentionWeights& weights);

/// Half of the query part looks away from the values where values and keys read different
/// directions: at most (query + across)/2 for the result of this and for any bound `query` of the
/// query part [R22]. +inf where the rule does not hold. `effort`: that goes into weights of the
/// heads.
[[nodiscard]] Upper query_across_values(const AttentionWeights& weights,
                                        const Upper& radius,
                                        Effort effort);

/// [R26]: outputs are convex combinations of values, so a value bias is a constant; with a sink, of
/// values and zero [R24].
[[nodiscard]] AttentionRadius attention_radius(const AttentionWeights& weights,
                                               const HeadSum& values);

}  // namespace lipcert
