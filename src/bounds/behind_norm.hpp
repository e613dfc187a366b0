#pragma once

#include <string>
#include <vector>

#include "bounds/attention_heads.hpp"

namespace lipcert {

/// Attention together with the normalisation before it, relative to 1/sqrt(epsilon) [R39]; for
/// scores of [R19] and [R23], and with a sink only where there is no value bias.
class BehindNorm {
public:
    /// `sphere`: sqrt(d), the radius that normalised tokens approach. Searches for weights of the
    /// heads, where there are several.
    BehindNorm(const AttentionHeads& heads, const Upper& score_scale, const Upper& sphere);

    /// The max-token constant. `rule`: of the scores, of the sum over heads, and R39.
    [[nodiscard]] Bound best() const;

    /// [R21] with the weights that were found, without a search; +inf for one head.
    [[nodiscard]] Upper shared() const;

    /// The first are those that were found; empty for one head.
    [[nodiscard]] const std::vector<HeadWeights>& weights() const { return weights_; }

private:
    std::string rule_;  ///< of the scores
    HeadGains gains_;
    std::vector<HeadWeights> weights_;
};

/// What attention makes of normalised tokens as a whole.
struct SphereReach {
    Upper gain;    ///< of the outputs per |z| [R26]
    Upper across;  ///< query_across_values for |z| <= sqrt(d) [R22]; +inf: not used
};

/// The same for pairs of normalised tokens that all lie in a shell, relative to the bound of
/// |z - z'| [R40].
class OnShell {
public:
    /// Searches for weights of the heads.
    OnShell(const AttentionHeads& heads,
            const Upper& score_scale,
            const Shell& shell,
            const Upper& sphere);

    /// With R22 where `reach.across` is finite.
    [[nodiscard]] Upper bound(const SphereReach& reach) const;

private:
    Shell shell_;
    Upper sphere_;
    HeadGains gains_;
    std::vector<Upper> factors_;  ///< of M, whose images both keys and query are
    HeadWeights weights_;
};

}  // namespace lipcert
