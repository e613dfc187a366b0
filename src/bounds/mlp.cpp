#include "lipcert/bounds/mlp.hpp"

namespace lipcert {

MlpNorms measure_mlp(const AffineMap& in, const AffineMap& out) {
    return {spectral_norm(in.weight).upper(),
            spectral_norm(out.weight).upper(),
            frobenius_norm(in.bias),
            frobenius_norm(out.bias)};
}

Upper mlp_lipschitz(const MlpNorms& norms, const ActivationBounds& activation, const Upper& scale) {
    // [R7] |W2 diag(phi') W1| <= |W2| sup|phi'| |W1|
    return norms.out * (scale * activation.slope) * norms.in;
}

Upper mlp_radius(const MlpNorms& norms,
                 const ActivationBounds& activation,
                 const Upper& scale,
                 const Upper& radius) {
    // [R12] |W2 phi(h) + b2| <= |W2| sup|phi(t)/t| |h| + |b2|, |h| <= |W1| R + |b1|
    const Upper hidden = affine_radius(norms.in, norms.in_bias, radius);
    return affine_radius(norms.out * (scale * activation.ratio), norms.out_bias, hidden);
}

UnitNorms measure_units(const AffineMap& map) {
    return {spectral_norm(map.weight).upper(),
            frobenius_norm(map.bias),
            row_norms(map.weight),
            row_norms(map.bias)};
}

namespace {

/// The largest |w_i x + b_i| over the units i and over |x| <= radius.
Upper largest_unit(const UnitNorms& units, const Upper& radius) {
    Upper largest;
    for (std::size_t i = 0; i < units.rows.size(); ++i) {
        largest = max(largest, affine_radius(units.rows[i], units.bias_entries[i], radius));
    }
    return largest;
}

}  // namespace

Upper gated_mlp_lipschitz(const GatedMlpNorms& norms,
                          const ActivationBounds& activation,
                          const Upper& scale,
                          const Upper& radius) {
    // [R13] J = Wd (diag(u o phi'(g)) Wg + diag(phi(g)) Wu)
    const Upper up_units = largest_unit(norms.up, radius);
    const Upper gate_units = largest_unit(norms.gate, radius);
    return norms.down * scale *
           (activation.slope * up_units * norms.gate.weight +
            activation.ratio * gate_units * norms.up.weight);
}

Upper gated_mlp_radius(const GatedMlpNorms& norms,
                       const ActivationBounds& activation,
                       const Upper& scale,
                       const Upper& radius) {
    // [R13] |a o b| <= min(max|a_i| |b|, |a| max|b_i|)
    const Upper up_units = largest_unit(norms.up, radius);
    const Upper gate_units = largest_unit(norms.gate, radius);
    const Upper up_length = affine_radius(norms.up.weight, norms.up.bias, radius);
    const Upper gate_length = affine_radius(norms.gate.weight, norms.gate.bias, radius);
    const Upper product = min(up_units * gate_length, gate_units * up_length);
    return norms.down * scale * activation.ratio * product + norms.down_bias;
}

}  // namespace lipcert
