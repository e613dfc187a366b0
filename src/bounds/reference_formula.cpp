#include "lipcert/bounds/reference_formula.hpp"

#include "lipcert/bounds/activation.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/embedding.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <variant>
#include <vector>

namespace lipcert {

namespace {

/// |W|_2 of a stored matrix; only full matrices enter the formula and its repair.
struct BlockNorms {
    Upper query, key, value, output;  ///< L2
    Upper in, out;
    Upper in_rms, out_rms;  ///< sqrt(inputs/outputs) |W|_2
    Upper heads;
    Upper head_dimension;
    const Attention* attention = nullptr;
    const Mlp* mlp = nullptr;
    const Residual* attention_residual = nullptr;
    const Residual* mlp_residual = nullptr;
};

const Residual* single_residual(const Module& module) {
    const auto* residual = std::get_if<Residual>(&module.kind);
    const bool plain = residual != nullptr && residual->body.size() == 1 && !residual->projection;
    return plain ? residual : nullptr;
}

bool has_bias(const Attention& attention) {
    return !(attention.query.bias.empty() && attention.key.bias.empty() &&
             attention.value.bias.empty() && attention.output.bias.empty());
}

/// The parts of a layer, or nothing where it is of another shape.
std::optional<BlockNorms> parts_of(const Layer& layer) {
    if (layer.modules.size() != 2) {
        return std::nullopt;
    }
    BlockNorms parts;
    parts.attention_residual = single_residual(layer.modules[0]);
    parts.mlp_residual = single_residual(layer.modules[1]);
    if (parts.attention_residual == nullptr || parts.mlp_residual == nullptr) {
        return std::nullopt;
    }
    parts.attention = std::get_if<Attention>(&parts.attention_residual->body.front().kind);
    parts.mlp = std::get_if<Mlp>(&parts.mlp_residual->body.front().kind);
    if (parts.attention == nullptr || parts.mlp == nullptr || has_bias(*parts.attention) ||
        parts.attention->heads != parts.attention->key_value_heads || parts.attention->query_norm ||
        parts.attention->key_norm || parts.attention->squared_distance ||
        !parts.mlp->in.bias.empty() || !parts.mlp->out.bias.empty() ||
        !has_bounded_slope(parts.mlp->activation)) {
        return std::nullopt;
    }
    return parts;
}

struct MapNorm {
    Upper l2;
    Upper rms;  ///< [R35] RMS to RMS
    std::size_t outputs = 0;
};

MapNorm measure(const Checkpoint& checkpoint, const LinearMap& map) {
    const AffineMap affine = read_affine(checkpoint, map, "reference formula");
    MapNorm norm;
    norm.l2 = spectral_norm(affine.weight).upper();
    norm.outputs = static_cast<std::size_t>(affine.weight.rows());
    norm.rms = norm.l2 * sqrt(Upper::of_count(static_cast<std::size_t>(affine.weight.cols())) /
                              Lower::of_count(norm.outputs));
    return norm;
}

void measure(const Checkpoint& checkpoint, BlockNorms& parts) {
    const MapNorm query = measure(checkpoint, parts.attention->query);
    parts.query = query.l2;
    parts.key = measure(checkpoint, parts.attention->key).l2;
    parts.value = measure(checkpoint, parts.attention->value).l2;
    parts.output = measure(checkpoint, parts.attention->output).l2;
    const MapNorm in = measure(checkpoint, parts.mlp->in);
    const MapNorm out = measure(checkpoint, parts.mlp->out);
    parts.in = in.l2;
    parts.out = out.l2;
    parts.in_rms = in.rms;
    parts.out_rms = out.rms;
    parts.heads = Upper::of_count(parts.attention->heads);
    parts.head_dimension = Upper::of_count(query.outputs / parts.attention->heads);
}

/// The formula as printed, "not a bound": residual weight 1/(2N), attention times 1/3, MLP divided
/// by 1.1289, activations that start at RMS 1, whatever the model says.
Upper printed_formula(const std::vector<BlockNorms>& layers,
                      const Upper& embedding_rms,
                      const Upper& unembedding_rms) {
    const Lower twice = Lower::of_count(2 * layers.size());
    const Upper branch = Upper::exact(1.0) / twice;
    const Upper skip = Upper::of_count(2 * layers.size() - 1) / twice;
    const Lower three = Lower::exact(3.0);
    const Lower gelu = Lower::parse("1.1289");
    Upper activation = Upper::exact(1.0);
    Upper lipschitz = embedding_rms;
    for (const BlockNorms& layer : layers) {
        const Upper value = layer.output * layer.value / three;
        const Upper softmax_scale = layer.attention->score_scale.magnitude() * layer.head_dimension;
        const Upper attention =
            value * softmax_scale *
            (Upper::exact(1.0) + Upper::exact(2.0) * square(activation) * layer.query * layer.key);
        const Upper mlp = layer.out_rms * layer.in_rms / gelu;
        activation *= (skip + branch * value) * (skip + branch * mlp);
        lipschitz *= (skip + branch * attention) * (skip + branch * mlp);
    }
    return lipschitz * unembedding_rms;
}

/// [R1'] with the model's own scales, in L2 norms, from the embeddings' ball.
Upper repaired_blocks(const std::vector<BlockNorms>& layers, Upper radius) {
    Upper lipschitz = Upper::exact(1.0);
    for (const BlockNorms& layer : layers) {
        const Upper kept = layer.attention_residual->skip_scale.magnitude();
        const Upper added = layer.attention_residual->branch_scale.magnitude();
        // sum_h |P_h^T u| <= sqrt(H) |Wo| |Wv|
        const Upper value = layer.attention->output_scale.magnitude() * sqrt(layer.heads) *
                            layer.output * layer.value;
        const Upper scores =
            layer.attention->score_scale.magnitude() * square(radius) * layer.query * layer.key;
        lipschitz *= kept + added * value * (Upper::exact(1.0) + Upper::exact(2.0) * scores);
        radius *= kept + added * value;

        const ActivationBounds activation = activation_bounds(layer.mlp->activation);
        const Upper gain = layer.mlp->activation_scale.magnitude() * layer.out * layer.in;
        const Upper mlp_kept = layer.mlp_residual->skip_scale.magnitude();
        const Upper mlp_added = layer.mlp_residual->branch_scale.magnitude();
        lipschitz *= mlp_kept + mlp_added * activation.slope * gain;
        radius *= mlp_kept + mlp_added * activation.ratio * gain;
    }
    return lipschitz;
}

}  // namespace

std::optional<ReferenceBounds> reference_bounds(const Architecture& architecture,
                                                const Checkpoint& checkpoint,
                                                const Upper& radius) {
    if (architecture.reference_formula != "newhouse-2025" || architecture.layers.empty() ||
        !architecture.stem.empty() || !architecture.head.empty() || !architecture.unembedding ||
        !architecture.embedding.positions.empty() || !architecture.embedding.types.empty()) {
        return std::nullopt;
    }
    std::vector<BlockNorms> layers;
    for (const Layer& layer : architecture.layers) {
        auto parts = parts_of(layer);
        if (!parts) {
            return std::nullopt;
        }
        measure(checkpoint, *parts);
        layers.push_back(*parts);
    }
    const EmbeddingBounds embedding = embedding_bounds(architecture.embedding, checkpoint);
    const MapNorm unembedding = measure(checkpoint, *architecture.unembedding);
    const Upper embedding_rms = embedding.largest_row / sqrt(Lower::of_count(embedding.dimension));
    ReferenceBounds result;
    result.formula = printed_formula(layers, embedding_rms, unembedding.rms);
    Upper tail = Upper::exact(1.0);
    for (const Module& module : architecture.after_unembedding) {
        if (const auto* scale = std::get_if<Scale>(&module.kind)) {
            tail *= scale->factor.magnitude();
        }
    }
    result.repaired = {repaired_blocks(layers, radius) * unembedding.rms * tail, "R1'"};
    return result;
}

}  // namespace lipcert
