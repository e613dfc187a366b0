#include <cmath>
#include <utility>

#include "support/published_parts.hpp"

namespace lipcert::test::published {

namespace {

using nlohmann::json;

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
    models.push_back(modula(random, false));
    models.push_back(modula(random, true));
    return models;
}

}  // namespace lipcert::test::published
