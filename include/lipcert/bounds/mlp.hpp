#pragma once

#include "lipcert/bounds/activation.hpp"
#include "lipcert/bounds/affine.hpp"

#include <vector>

namespace lipcert {

/// The norms that decide the bounds of out(scale * phi(in x)); measured once, used for any radius.
struct MlpNorms {
    Upper in, out;            ///< |W1|, |W2|
    Upper in_bias, out_bias;  ///< |b1|, |b2|
};

[[nodiscard]] MlpNorms measure_mlp(const AffineMap& in, const AffineMap& out);

/// Lipschitz constant on all of R^d, in the max-token and in the Frobenius norm [R7].
/// `scale` is the factor in front of phi.
[[nodiscard]] Upper mlp_lipschitz(const MlpNorms& norms,
                                  const ActivationBounds& activation,
                                  const Upper& scale);

/// The largest |f(x)| over |x| <= radius [R12].
[[nodiscard]] Upper mlp_radius(const MlpNorms& norms,
                               const ActivationBounds& activation,
                               const Upper& scale,
                               const Upper& radius);

/// The norms of a map to hidden units, as a whole and of each unit.
struct UnitNorms {
    Upper weight, bias;
    std::vector<Upper> rows, bias_entries;
};

[[nodiscard]] UnitNorms measure_units(const AffineMap& map);

/// The norms that decide the bounds of down(scale * phi(gate x) o (up x)).
struct GatedMlpNorms {
    UnitNorms gate, up;
    Upper down, down_bias;
};

/// Lipschitz constant on the ball |x| <= radius [R13]; there is none on all of R^d.
[[nodiscard]] Upper gated_mlp_lipschitz(const GatedMlpNorms& norms,
                                        const ActivationBounds& activation,
                                        const Upper& scale,
                                        const Upper& radius);

/// The largest |f(x)| over |x| <= radius [R13].
[[nodiscard]] Upper gated_mlp_radius(const GatedMlpNorms& norms,
                                     const ActivationBounds& activation,
                                     const Upper& scale,
                                     const Upper& radius);

}  // namespace lipcert
