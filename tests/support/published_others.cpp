#include <cmath>
#include <utility>

#include "support/published_parts.hpp"

namespace lipcert::test::published {

namespace {

using nlohmann::json;

PlainAttention two_sided_heads() {
    PlainAttention attention = causal_heads(kHeads, kHeadWidth, 0.0);
    attention.causal = false;
    return attention;
}

// ViT: patches through one map, a class token and positions, norms before each branch.

constexpr Eigen::Index kChannels = 2;
constexpr Eigen::Index kPatch = 2;

Matrix vit_encode(const PlainLayers& layers, Matrix x) {
    const PlainAttention heads = two_sided_heads();
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("vit.encoder.layer.", i);
        const std::string attention = layer + "attention.";
        const Matrix n = layers.layer_norm(layer + "layernorm_before", x, 1e-12);
        x += layers.linear(attention + "output.dense",
                           attend(heads,
                                  layers.linear(attention + "attention.query", n),
                                  layers.linear(attention + "attention.key", n),
                                  layers.linear(attention + "attention.value", n)));
        const Matrix m = layers.layer_norm(layer + "layernorm_after", x, 1e-12);
        x += layers.linear(layer + "output.dense",
                           gelu(layers.linear(layer + "intermediate.dense", m)));
    }
    return layers.layer_norm("vit.layernorm", x, 1e-12);
}

PublishedModel vit(Random& random, bool classifies) {
    constexpr const char* kProjection = "vit.embeddings.patch_embeddings.projection";
    constexpr const char* kPositionRows = "vit.embeddings.position_embeddings";
    constexpr const char* kClassToken = "vit.embeddings.cls_token";
    PublishedModel model;
    model.family = classifies ? "vit-classifier" : "vit";
    Names names(random, model.tensors);
    names.map(kProjection, kWidth, kChannels * kPatch * kPatch, true);
    model.tensors.shapes[std::string(kProjection) + ".weight"] = {kWidth, kChannels, 2, 2};
    model.tensors.matrices[kPositionRows] = random.gaussian(1, kPositions * kWidth);
    model.tensors.shapes[kPositionRows] = {1, kPositions, kWidth};
    model.tensors.matrices[kClassToken] = random.gaussian(1, kWidth);
    model.tensors.shapes[kClassToken] = {1, 1, kWidth};
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("vit.encoder.layer.", i);
        for (const char* map : {"query", "key", "value"}) {
            names.map(layer + "attention.attention." + map, kWidth, kWidth, true);
        }
        names.map(layer + "attention.output.dense", kWidth, kWidth, true);
        names.map(layer + "intermediate.dense", kInner, kWidth, true);
        names.map(layer + "output.dense", kWidth, kInner, true);
        names.norm(layer + "layernorm_before", true);
        names.norm(layer + "layernorm_after", true);
    }
    names.norm("vit.layernorm", true);
    if (classifies) {
        names.map("classifier", 3, kWidth, true);
    }
    model.configuration = {{"model_type", "vit"},
                           {"num_hidden_layers", kLayers},
                           {"num_attention_heads", kHeads},
                           {"hidden_size", kWidth},
                           {"intermediate_size", kInner},
                           {"num_channels", kChannels},
                           {"patch_size", kPatch},
                           {"image_size", 4},
                           {"largest_pixel", 1},
                           {"layer_norm_eps", 1e-12},
                           {"hidden_act", "gelu"},
                           {"qkv_bias", true}};
    const auto end = [classifies](const PlainLayers& layers, const Matrix& x) {
        return classifies ? layers.linear("classifier", x) : x;
    };
    model.forward = [end](const TinyTensors& tensors, const Matrix& patches) {
        const PlainLayers layers(tensors);
        Matrix x(patches.rows() + 1, kWidth);
        x << tensors.matrices.at(kClassToken), layers.linear(kProjection, patches);
        for (Eigen::Index token = 0; token < x.rows(); ++token) {
            x.row(token) += tensors.matrices.at(kPositionRows).middleCols(token * kWidth, kWidth);
        }
        return end(layers, vit_encode(layers, x));
    };
    return model;
}

// T5: RMS norms, no biases, scores without a scale and with constants by distance.

constexpr Eigen::Index kBuckets = 8;

constexpr Eigen::Index kFarthest = 20;

std::vector<Matrix> relative_constants(const Matrix& table, Eigen::Index tokens) {
    std::vector<Matrix> constants;
    for (Eigen::Index head = 0; head < kHeads; ++head) {
        Matrix scores(tokens, tokens);
        for (Eigen::Index i = 0; i < tokens; ++i) {
            for (Eigen::Index j = 0; j < tokens; ++j) {
                scores(i, j) = table(plain_row(j - i, table.rows(), kFarthest, false), head);
            }
        }
        constants.push_back(std::move(scores));
    }
    return constants;
}

Matrix t5_encode(const PlainLayers& layers,
                 bool gated,
                 std::vector<Matrix> constants,
                 const Matrix& stream) {
    PlainAttention heads = two_sided_heads();
    heads.scale = 1.0;
    heads.constants = std::move(constants);
    Matrix x = stream;
    for (int i = 0; i < kLayers; ++i) {
        const std::string block = numbered("encoder.block.", i);
        const std::string self = block + "layer.0.SelfAttention.";
        const std::string dense = block + "layer.1.DenseReluDense.";
        const Matrix n = layers.rms_norm(block + "layer.0.layer_norm", x, 1e-6);
        x += layers.linear(self + "o",
                           attend(heads,
                                  layers.linear(self + "q", n),
                                  layers.linear(self + "k", n),
                                  layers.linear(self + "v", n)));
        const Matrix m = layers.rms_norm(block + "layer.1.layer_norm", x, 1e-6);
        const Matrix hidden = gated ? Matrix(gelu_tanh(layers.linear(dense + "wi_0", m))
                                                 .cwiseProduct(layers.linear(dense + "wi_1", m)))
                                    : relu(layers.linear(dense + "wi", m));
        x += layers.linear(dense + "wo", hidden);
    }
    return layers.rms_norm("encoder.final_layer_norm", x, 1e-6);
}

PublishedModel t5(Random& random, bool gated) {
    constexpr const char* kTable =
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
    PublishedModel model;
    model.family = gated ? "t5-encoder-gated" : "t5-encoder";
    Names names(random, model.tensors);
    names.table("shared", kVocabulary);
    model.tensors.matrices[kTable] = random.gaussian(kBuckets, kHeads, 2.0);
    for (int i = 0; i < kLayers; ++i) {
        const std::string block = numbered("encoder.block.", i);
        for (const char* map : {"q", "k", "v", "o"}) {
            names.map(block + "layer.0.SelfAttention." + map, kWidth, kWidth, false);
        }
        names.norm(block + "layer.0.layer_norm", false);
        names.norm(block + "layer.1.layer_norm", false);
        const std::string dense = block + "layer.1.DenseReluDense.";
        for (const char* map : {"wi_0", "wi_1"}) {
            if (gated) {
                names.map(dense + map, kInner, kWidth, false);
            }
        }
        if (!gated) {
            names.map(dense + "wi", kInner, kWidth, false);
        }
        names.map(dense + "wo", kWidth, kInner, false);
    }
    names.norm("encoder.final_layer_norm", false);
    model.configuration = {{"model_type", "t5"},
                           {"num_layers", kLayers},
                           {"num_heads", kHeads},
                           {"d_model", kWidth},
                           {"d_kv", kHeadWidth},
                           {"d_ff", kInner},
                           {"vocab_size", kVocabulary},
                           {"relative_attention_num_buckets", kBuckets},
                           {"relative_attention_max_distance", kFarthest},
                           {"layer_norm_epsilon", 1e-6},
                           {"feed_forward_proj", gated ? "gated-gelu" : "relu"}};
    model.forward = [gated](const TinyTensors& tensors, const Matrix& stream) {
        return t5_encode(PlainLayers(tensors),
                         gated,
                         relative_constants(tensors.matrices.at(kTable), stream.rows()),
                         stream);
    };
    return model;
}

// The Shakespeare runs of arXiv 2507.13338.

Matrix modula_read(bool has_tanh, const Matrix& x) {
    if (has_tanh) {
        return x.array().tanh();
    }
    Matrix y = x;
    for (Eigen::Index token = 0; token < y.rows(); ++token) {
        y.row(token).array() -= x.row(token).mean();
        y.row(token) /=
            std::sqrt(y.row(token).squaredNorm() / static_cast<double>(y.cols()) + 1e-5);
    }
    return y;
}

PublishedModel modula(Random& random, bool has_tanh) {
    PublishedModel model;
    model.family = has_tanh ? "modula-tanh" : "modula";
    Names names(random, model.tensors);
    names.table("embed", kVocabulary);
    for (int i = 0; i < kLayers; ++i) {
        const std::string block = numbered("blocks.", i);
        for (const char* map : {"attn_q", "attn_k", "attn_v", "c_proj"}) {
            names.map(block + "attn." + map, kWidth, kWidth, false);
        }
        names.map(block + "mlp.c_fc", kInner, kWidth, false);
        names.map(block + "mlp.c_proj", kWidth, kInner, false);
    }
    names.map("lm_head", kVocabulary, kWidth, false);
    model.configuration = {{"model_type", "modula"},
                           {"num_blocks", kLayers},
                           {"num_heads", kHeads},
                           {"d_embed", kWidth},
                           {"vocab_size", kVocabulary},
                           {"softmax_scale", 1.5},
                           {"residual_scale", 0.75},
                           {"final_scale", 2.0},
                           {"layernorm_substitute", has_tanh ? "tanh" : "layernorm"}};
    model.forward = [has_tanh](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        PlainAttention heads = causal_heads(kHeads, kHeadWidth, 1.0);
        heads.scale = 1.5 / static_cast<double>(kHeadWidth);
        const double share = 0.75 / (2.0 * kLayers);
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string block = numbered("blocks.", i);
            const Matrix n = modula_read(has_tanh, x);
            const Matrix attended = layers.linear(block + "attn.c_proj",
                                                  attend(heads,
                                                         layers.linear(block + "attn.attn_q", n),
                                                         layers.linear(block + "attn.attn_k", n),
                                                         layers.linear(block + "attn.attn_v", n)));
            x = (1.0 - share) * x + share * attended / 3.0;
            const Matrix hidden =
                gelu_tanh(layers.linear(block + "mlp.c_fc", modula_read(has_tanh, x))) / 1.1289;
            x = (1.0 - share) * x + share * layers.linear(block + "mlp.c_proj", hidden);
        }
        return Matrix(2.0 * layers.linear("lm_head", x));
    };
    return model;
}

}  // namespace

std::vector<PublishedModel> others(Random& random) {
    std::vector<PublishedModel> models;
    models.push_back(vit(random, false));
    models.push_back(vit(random, true));
    models.push_back(t5(random, false));
    models.push_back(t5(random, true));
    models.push_back(modula(random, false));
    models.push_back(modula(random, true));
    return models;
}

}  // namespace lipcert::test::published
