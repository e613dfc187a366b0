#include "bounds/behind_norm.hpp"

#include "lipcert/bounds/rules.hpp"

#include <utility>

#include "bounds/head_weights.hpp"

namespace lipcert {

namespace {

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

/// [R39] One head: sqrt(1 + G^2), G = max(k, q) + offsets; the shares of both parts are
/// key_factor |N^T x| for a unit x, so the bound reads like a value and key part.
ScorePath joint_scores(const ScorePath& scores) {
    ScorePath joint = with_squares_as_offsets(scores);
    joint.joining = Joining::orthogonal;
    for (ScoreHead& head : joint.heads) {
        head.key_offset += head.query_offset * head.shared_norm + head.query_addend;
    }
    return joint;
}

}  // namespace

BehindNorm::BehindNorm(const AttentionHeads& heads, const Upper& score_scale, const Upper& sphere)
    : rule_(heads.scores.rule), gains_(heads, joint_scores(heads.scores), score_scale, sphere) {
    if (gains_.ones.size() > 1) {
        weights_ = {
            weights_of_value_key(gains_, weights_for(gains_.value_key, gains_.values.norms))};
        if (gains_.effort == Effort::fast) {  // nothing was searched
            weights_.push_back(weights_for(gains_.query, gains_.values.norms));
        }
    }
}

Bound BehindNorm::best() const {
    const Best best = best_value_key(gains_, weights_, rule_);
    return {best.upper(), joined_rules({best.rule(), "R39"})};
}

Upper BehindNorm::shared() const {
    return weights_.empty() ? Upper::infinity() : shared_value_key(gains_, weights_.front());
}

OnShell::OnShell(const AttentionHeads& heads,
                 const Upper& score_scale,
                 const Shell& shell,
                 const Upper& sphere)
    : shell_(shell),
      sphere_(sphere),
      gains_(heads, with_squares_as_offsets(heads.scores), score_scale, sphere) {
    const Upper root_two = sqrt(Upper::of_count(2));
    std::vector<Upper> both;
    for (std::size_t h = 0; h < gains_.ones.size(); ++h) {
        factors_.push_back(max(gains_.key_factors[h], gains_.query_factors[h]));
        both.push_back(root_two * factors_[h]);
    }
    if (!factors_.empty()) {
        weights_ = optimised_weights({gains_.values.blocks.blocks(),
                                      gains_.ones,
                                      &gains_.inputs.blocks(),
                                      both,
                                      gains_.key_offsets,
                                      Joining::parallel,
                                      gains_.effort},
                                     weights_for(gains_.value_key, gains_.values.norms));
    }
}

Upper OnShell::bound(const SphereReach& reach) const {
    if (factors_.empty()) {
        return {};
    }
    const Upper root_two = sqrt(Upper::of_count(2));
    const Upper outputs = gains_.values.blocks.norm(weights_.roots);
    const Upper one = weighted_gain(gains_.ones, weights_);
    const Upper offset =
        weighted_gain(gains_.key_offsets, weights_) + weighted_gain(gains_.query_addends, weights_);
    const Upper largest = shared_norm(gains_.inputs, factors_, weights_);
    const Upper pair = shared_pair_norm(gains_.inputs, factors_, weights_);
    Upper joint = one + root_two * pair;
    if (gains_.joining == Joining::orthogonal) {
        joint = min(joint, root_two * hypot(one, pair));
    }
    Upper apart;
    if (reach.across.is_finite()) {
        // [R22] Half of the query part looks across the values: of a sum a + b, a + b/2 is left.
        joint = (joint + joined(one, largest, gains_.joining)).scaled(-1);
        apart = reach.across.scaled(-1);
    }
    return split_at_threshold(sphere_, (reach.gain * sphere_).scaled(1), [&](const Upper& delta) {
        // |m|^2 = |z|^2/2 + |z'|^2/2 - |z - z'|^2/4 for the middle m of z and z'.
        const Lower middle =
            sqrt(shell_.inner_radius * shell_.inner_radius - square(delta.scaled(-1)));
        const Upper slack = delta.scaled(-1) / Lower::of(sphere_.value()) +
                            shell_.radial_share * (sphere_ / middle);
        return outputs * (joint + offset + largest * slack) + apart;
    });
}

}  // namespace lipcert
