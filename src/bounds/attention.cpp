#include "lipcert/bounds/attention.hpp"

#include "lipcert/error.hpp"

#include "bounds/best.hpp"
#include "bounds/head_weights.hpp"

namespace lipcert {

namespace {

void require(bool holds, const std::string& where, const std::string& message) {
    if (!holds) {
        throw Error(ErrorKind::architecture, where, message);
    }
}

std::string count_text(const char* what, Eigen::Index count) {
    return std::string(what) + " " + std::to_string(count);
}

void require_consistent(const AttentionWeights& weights, const std::string& where) {
    const auto heads = static_cast<Eigen::Index>(weights.heads);
    const auto groups = static_cast<Eigen::Index>(weights.key_value_heads);
    require(heads > 0 && groups > 0 && heads % groups == 0,
            where,
            count_text("attention with", heads) + " query heads and " + std::to_string(groups) +
                " key-value heads; the second must divide the first");
    const Eigen::Index query = weights.query.weight.rows();
    const Eigen::Index key = weights.key.weight.rows();
    const Eigen::Index value = weights.value.weight.rows();
    require(query > 0 && query % heads == 0 && key > 0 && key % groups == 0 && value > 0 &&
                value % groups == 0 && query / heads == key / groups,
            where,
            count_text("the query map has", query) + " outputs, " + count_text("the key map", key) +
                ", " + count_text("the value map", value) + ": no head dimension fits " +
                std::to_string(heads) + " query and " + std::to_string(groups) +
                " key-value heads");
    require(weights.output.weight.cols() == value / groups * heads,
            where,
            count_text("the output map reads", weights.output.weight.cols()) +
                " numbers, but the heads give " + std::to_string(value / groups * heads));
    require(weights.key.weight.cols() == weights.query.weight.cols() &&
                weights.value.weight.cols() == weights.query.weight.cols(),
            where,
            "the query, key and value maps read vectors of different widths");
    require(
        weights.rotary != Rotary::half_split || (query / heads) % 2 == 0,
        where,
        count_text("rotary positions in halves need an even head dimension, found", query / heads));
}

}  // namespace

HeadSum value_path(const AttentionWeights& weights, const std::string& where) {
    require_consistent(weights, where);
    const auto groups = static_cast<Eigen::Index>(weights.key_value_heads);
    const Eigen::Index head_rows = weights.value.weight.rows() / groups;
    std::vector<MatrixBall> factors;  // L_g with L_g L_g^T >= Wv_g Wv_g^T
    for (Eigen::Index g = 0; g < groups; ++g) {
        factors.push_back(gram_factor(weights.value.weight.row_block(g * head_rows, head_rows)));
    }
    HeadSum values;
    for (std::size_t h = 0; h < weights.heads; ++h) {
        const std::size_t group = h * weights.key_value_heads / weights.heads;
        const MatrixBall output =
            weights.output.weight.column_block(static_cast<Eigen::Index>(h) * head_rows, head_rows);
        values.blocks.push_back(product(output, factors[group]));
        values.norms.push_back(spectral_norm(values.blocks.back()).upper());
        values.biases.push_back(product(
            output,
            weights.value.bias.row_block(static_cast<Eigen::Index>(group) * head_rows, head_rows)));
    }
    return values;
}

HeadSum sink_values(const AttentionWeights& weights, const HeadSum& values, const Upper& radius) {
    if (!weights.sink || is_zero(weights.value.bias)) {
        return values;
    }
    // 1/(sqrt(3) R): the share of a bias in the half-range of the values and zero.
    const Upper share = Upper::exact(1.0) / (sqrt(Lower::exact(3.0)) * Lower::of(radius.value()));
    HeadSum result = values;
    for (const MatrixBall& bias : values.biases) {
        if (share.is_finite()) {
            const Interval factor = Interval::between(share.value(), share.value());
            result.beside.push_back(scaled_by(bias, factor));
        } else {  // a ball without extent
            result.beside.push_back(
                MatrixBall::around(bias.centre(), bias.exponent(), Upper::infinity()));
        }
    }
    return result;
}

AttentionRadius attention_radius(const AttentionWeights& weights, const HeadSum& values) {
    HeadSum heads;
    for (std::size_t h = 0; h < values.norms.size(); ++h) {
        if (!values.norms[h].is_zero()) {
            heads.blocks.push_back(values.blocks[h]);
            heads.norms.push_back(values.norms[h]);
        }
    }
    const std::vector<Upper> ones(heads.norms.size(), Upper::exact(1.0));
    AttentionRadius result;
    Best gain("reach of attention");
    gain.offer([&] { return plain_sum(heads.norms, ones); }, "R26");
    if (ones.size() > 1) {
        gain.offer(
            [&] {
                const HeadWeights head_weights = optimised_weights(
                    {.outputs = heads.blocks, .gains = ones, .effort = values.effort},
                    weights_for(ones, heads.norms));
                return weighted_norm(heads.blocks, head_weights.roots) *
                       weighted_gain(ones, head_weights);
            },
            "R26 R20");
    }
    result.gain = gain.decide().upper();
    MatrixBall constant = weights.output.bias;
    for (const MatrixBall& bias : values.biases) {
        if (weights.sink) {
            result.offset += frobenius_norm(bias);
        } else {
            constant = sum(constant, bias);
        }
    }
    result.offset += frobenius_norm(constant);
    return result;
}

}  // namespace lipcert
