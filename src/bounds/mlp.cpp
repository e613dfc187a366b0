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

GatedMlpNorms measure_gated_mlp(const AffineMap& gate, const AffineMap& up, const AffineMap& down) {
    GatedMlpNorms norms;
    norms.gate = spectral_norm(gate.weight).upper();
    norms.up = spectral_norm(up.weight).upper();
    norms.down = spectral_norm(down.weight).upper();
    norms.gate_bias = frobenius_norm(gate.bias);
    norms.up_bias = frobenius_norm(up.bias);
    norms.down_bias = frobenius_norm(down.bias);
    norms.gate_rows = row_norms(gate.weight);
    norms.up_rows = row_norms(up.weight);
    norms.gate_bias_entries = row_norms(gate.bias);
    norms.up_bias_entries = row_norms(up.bias);
    return norms;
}

namespace {

/// The largest |w_i x + b_i| over the units i and over |x| <= radius.
Upper largest_unit(const std::vector<Upper>& rows,
                   const std::vector<Upper>& biases,
                   const Upper& radius) {
    Upper largest;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        largest = max(largest, affine_radius(rows[i], biases[i], radius));
    }
    return largest;
}

}  // namespace

Upper gated_mlp_lipschitz(const GatedMlpNorms& norms,
                          const ActivationBounds& activation,
                          const Upper& scale,
                          const Upper& radius) {
    // [R13] J = Wd (diag(u o phi'(g)) Wg + diag(phi(g)) Wu)
    const Upper up_units = largest_unit(norms.up_rows, norms.up_bias_entries, radius);
    const Upper gate_units = largest_unit(norms.gate_rows, norms.gate_bias_entries, radius);
    return norms.down * scale *
           (activation.slope * up_units * norms.gate + activation.ratio * gate_units * norms.up);
}

Upper gated_mlp_radius(const GatedMlpNorms& norms,
                       const ActivationBounds& activation,
                       const Upper& scale,
                       const Upper& radius) {
    // [R13] |a o b| <= min(max|a_i| |b|, |a| max|b_i|)
    const Upper up_units = largest_unit(norms.up_rows, norms.up_bias_entries, radius);
    const Upper gate_units = largest_unit(norms.gate_rows, norms.gate_bias_entries, radius);
    const Upper up_length = affine_radius(norms.up, norms.up_bias, radius);
    const Upper gate_length = affine_radius(norms.gate, norms.gate_bias, radius);
    const Upper product = min(up_units * gate_length, gate_units * up_length);
    return norms.down * scale * activation.ratio * product + norms.down_bias;
}

}  // namespace lipcert
