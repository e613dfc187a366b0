#include "lipcert/bounds/attention.hpp"

#include <utility>
#include <vector>

#include "bounds/head_weights.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// u . P_h A_h^T dx = (Wo_h^T u) . (M_h^T dx) for each head, as far as it is not zero.
struct Crossings {
    std::vector<MatrixBall> outputs;  ///< Wo_h
    std::vector<MatrixBall> inputs;   ///< M_h = (Wv_h Wk_h^T Wq_h)^T
    std::vector<Upper> norms;         ///< at least |Wo_h M_h^T|
    std::vector<Upper> output_norms;
};

Crossings crossings_of(const AttentionWeights& weights) {
    const auto heads = static_cast<Index>(weights.heads);
    const auto groups = static_cast<Index>(weights.key_value_heads);
    const Index query_rows = weights.query.weight.rows() / heads;
    const Index value_rows = weights.value.weight.rows() / groups;
    Crossings crossings;
    for (Index h = 0; h < heads; ++h) {
        const Index group = h * groups / heads;  // [R25]
        const MatrixBall value = weights.value.weight.row_block(group * value_rows, value_rows);
        const MatrixBall key = weights.key.weight.row_block(group * query_rows, query_rows);
        const MatrixBall query = weights.query.weight.row_block(h * query_rows, query_rows);
        const MatrixBall output = weights.output.weight.column_block(h * value_rows, value_rows);
        const MatrixBall core = product(value, key.transposed());
        MatrixBall input = product(core, query);
        // |Wo C Wq| <= |L^T C K| with L L^T >= Wo^T Wo, K K^T >= Wq Wq^T.
        const Upper norm =
            spectral_norm(product(product(gram_factor(output.transposed()).transposed(), core),
                                  gram_factor(query)))
                .upper();
        if (!norm.is_zero()) {
            crossings.outputs.push_back(output);
            crossings.inputs.push_back(input.transposed());
            crossings.norms.push_back(norm);
            crossings.output_norms.push_back(spectral_norm(output).upper());
        }
    }
    return crossings;
}

}  // namespace

bool may_look_across(const AttentionWeights& weights) {
    return weights.rotary == Rotary::none && !weights.query_norm && !weights.key_norm &&
           !weights.capped && !weights.sink;
}

Upper query_across_values(const AttentionWeights& weights, const Upper& radius, Effort effort) {
    if (!may_look_across(weights)) {
        return Upper::infinity();
    }
    const Crossings crossings = crossings_of(weights);
    Upper total;
    for (const Upper& norm : crossings.norms) {
        total += norm;
    }
    if (crossings.norms.size() > 1) {
        // All heads see the same u and dx, as in [R21].
        const std::vector<Upper> ones(crossings.norms.size(), Upper::exact(1.0));
        const HeadWeights head_weights =
            optimised_weights({.outputs = crossings.outputs,
                               .gains = {},
                               .inputs = &crossings.inputs,
                               .factors = ones,
                               .effort = effort},
                              weights_for(crossings.norms, crossings.output_norms));
        total = min(total,
                    weighted_norm(crossings.outputs, head_weights.roots) *
                        weighted_norm(crossings.inputs, head_weights.inverse_roots));
    }
    return weights.score_scale * radius * radius * total;
}

}  // namespace lipcert
