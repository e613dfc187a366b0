#include "support/published_models.hpp"

#include <cmath>
#include <utility>

#include "support/published_parts.hpp"

namespace lipcert::test {

using namespace published;

namespace {

// Llama's kin: RMSNorm, grouped queries, gated MLP.

struct LlamaKin {
    Eigen::Index head_width = kHeadWidth;
    bool biases = false;
    bool head_norms = false;
    bool fused = false;
    double plus = 0.0;
    double epsilon = 1e-5;
};

void draw_llama_kin(Names& names, const LlamaKin& kin) {
    const Eigen::Index q = kHeads * kin.head_width;
    names.table("model.embed_tokens", kVocabulary);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("model.layers.", i);
        const std::string attention = layer + "self_attn.";
        names.norm(layer + "input_layernorm", false);
        names.norm(layer + "post_attention_layernorm", false);
        if (kin.fused) {
            names.map(attention + "qkv_proj", q + 2 * kin.head_width, kWidth, false);
            names.map(layer + "mlp.gate_up_proj", 2 * kInner, kWidth, false);
        } else {
            names.map(attention + "q_proj", q, kWidth, kin.biases);
            names.map(attention + "k_proj", kin.head_width, kWidth, kin.biases);
            names.map(attention + "v_proj", kin.head_width, kWidth, kin.biases);
            names.map(layer + "mlp.gate_proj", kInner, kWidth, false);
            names.map(layer + "mlp.up_proj", kInner, kWidth, false);
        }
        if (kin.head_norms) {
            names.norm(attention + "q_norm", false, kin.head_width);
            names.norm(attention + "k_norm", false, kin.head_width);
        }
        names.map(attention + "o_proj", kWidth, q, false);
        names.map(layer + "mlp.down_proj", kWidth, kInner, false);
    }
    names.norm("model.norm", false);
}

Matrix llama_kin_attention(const PlainLayers& layers,
                           const LlamaKin& kin,
                           const std::string& name,
                           const Matrix& x) {
    const Eigen::Index q = kHeads * kin.head_width;
    Matrix queries;
    Matrix keys;
    Matrix values;
    if (kin.fused) {
        const Matrix all = layers.linear(name + "qkv_proj", x);
        queries = all.leftCols(q);
        keys = all.middleCols(q, kin.head_width);
        values = all.rightCols(kin.head_width);
    } else {
        queries = layers.linear(name + "q_proj", x);
        keys = layers.linear(name + "k_proj", x);
        values = layers.linear(name + "v_proj", x);
    }
    if (kin.head_norms) {
        queries = layers.rms_norm(name + "q_norm", queries, kin.epsilon);
        keys = layers.rms_norm(name + "k_norm", keys, kin.epsilon);
    }
    const PlainAttention attention = causal_heads(1, kin.head_width, 1.0);
    return layers.linear(name + "o_proj", attend(attention, queries, keys, values));
}

Matrix llama_kin_mlp(const PlainLayers& layers,
                     const LlamaKin& kin,
                     const std::string& name,
                     const Matrix& x) {
    Matrix gate;
    Matrix up;
    if (kin.fused) {
        const Matrix both = layers.linear(name + "gate_up_proj", x);
        gate = both.leftCols(kInner);
        up = both.rightCols(kInner);
    } else {
        gate = layers.linear(name + "gate_proj", x);
        up = layers.linear(name + "up_proj", x);
    }
    gate = kin.plus == 0.0 ? silu(gate) : gelu_tanh(gate);
    return layers.linear(name + "down_proj", gate.cwiseProduct(up));
}

PublishedModel llama_kin(Random& random, const std::string& type, const LlamaKin& kin) {
    PublishedModel model;
    model.family = type;
    Names names(random, model.tensors);
    draw_llama_kin(names, kin);
    model.configuration = {{"model_type", type},
                           {"num_hidden_layers", kLayers},
                           {"num_attention_heads", kHeads},
                           {"num_key_value_heads", 1},
                           {"head_dim", kin.head_width},
                           {"hidden_size", kWidth},
                           {"intermediate_size", kInner},
                           {"vocab_size", kVocabulary},
                           {"rms_norm_eps", kin.epsilon},
                           {"hidden_act", kin.plus == 0.0 ? "silu" : "gelu_pytorch_tanh"},
                           {"tie_word_embeddings", true}};
    model.forward = [kin](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = numbered("model.layers.", i);
            const auto norm = [&](const char* name) {
                return layers.rms_norm(layer + name, x, kin.epsilon, kin.plus);
            };
            x += llama_kin_attention(layers, kin, layer + "self_attn.", norm("input_layernorm"));
            x += llama_kin_mlp(layers, kin, layer + "mlp.", norm("post_attention_layernorm"));
        }
        x = layers.rms_norm("model.norm", x, kin.epsilon, kin.plus);
        return layers.times_transposed("model.embed_tokens.weight", x);
    };
    return model;
}

/// Gemma 2: norms on both sides of each branch, capped scores and logits.
PublishedModel gemma2(Random& random) {
    constexpr Eigen::Index kWide = 6;
    constexpr double kEpsilon = 1e-5;
    LlamaKin kin;
    kin.head_width = kWide;
    PublishedModel model;
    model.family = "gemma2";
    Names names(random, model.tensors);
    draw_llama_kin(names, kin);
    for (int i = 0; i < kLayers; ++i) {
        names.norm(numbered("model.layers.", i) + "pre_feedforward_layernorm", false);
        names.norm(numbered("model.layers.", i) + "post_feedforward_layernorm", false);
    }
    model.configuration = {{"model_type", "gemma2"},
                           {"num_hidden_layers", kLayers},
                           {"num_attention_heads", kHeads},
                           {"num_key_value_heads", 1},
                           {"head_dim", kWide},
                           {"hidden_size", kWidth},
                           {"intermediate_size", kInner},
                           {"vocab_size", kVocabulary},
                           {"rms_norm_eps", kEpsilon},
                           {"hidden_activation", "gelu_pytorch_tanh"},
                           {"query_pre_attn_scalar", 9},
                           {"attn_logit_softcapping", 2.0},
                           {"final_logit_softcapping", 3.0},
                           {"sliding_window", 4},
                           {"tie_word_embeddings", true}};
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        PlainAttention heads = causal_heads(1, kWide, 1.0);
        heads.scale = 1.0 / 3.0;
        heads.cap = 2.0;
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = numbered("model.layers.", i);
            const auto norm = [&](const char* name, const Matrix& of) {
                return layers.rms_norm(layer + name, of, kEpsilon, 1.0);
            };
            const std::string self = layer + "self_attn.";
            const Matrix n = norm("input_layernorm", x);
            x += norm("post_attention_layernorm",
                      layers.linear(self + "o_proj",
                                    attend(heads,
                                           layers.linear(self + "q_proj", n),
                                           layers.linear(self + "k_proj", n),
                                           layers.linear(self + "v_proj", n))));
            const Matrix m = norm("pre_feedforward_layernorm", x);
            const Matrix hidden = gelu_tanh(layers.linear(layer + "mlp.gate_proj", m))
                                      .cwiseProduct(layers.linear(layer + "mlp.up_proj", m));
            x += norm("post_feedforward_layernorm", layers.linear(layer + "mlp.down_proj", hidden));
        }
        x = layers.rms_norm("model.norm", x, kEpsilon, 1.0);
        return Matrix(
            3.0 * (layers.times_transposed("model.embed_tokens.weight", x) / 3.0).array().tanh());
    };
    return model;
}

// GPT's kin: LayerNorm, biases, plain MLP.

PublishedModel opt(Random& random) {
    PublishedModel model;
    model.family = "opt";
    Names names(random, model.tensors);
    names.table("model.decoder.embed_tokens", kVocabulary);
    names.table("model.decoder.embed_positions", kPositions + 2);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("model.decoder.layers.", i);
        for (const char* map : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
            names.map(layer + "self_attn." + map, kWidth, kWidth, true);
        }
        names.norm(layer + "self_attn_layer_norm", true);
        names.norm(layer + "final_layer_norm", true);
        names.map(layer + "fc1", kInner, kWidth, true);
        names.map(layer + "fc2", kWidth, kInner, true);
    }
    names.norm("model.decoder.final_layer_norm", true);
    model.configuration = {{"model_type", "opt"},
                           {"num_hidden_layers", kLayers},
                           {"num_attention_heads", kHeads},
                           {"hidden_size", kWidth},
                           {"ffn_dim", kInner},
                           {"vocab_size", kVocabulary},
                           {"max_position_embeddings", kPositions},
                           {"do_layer_norm_before", true},
                           {"activation_function", "relu"}};
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        const PlainAttention attention = causal_heads(kHeads, kHeadWidth, 0.0);
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = numbered("model.decoder.layers.", i);
            const std::string self = layer + "self_attn.";
            const Matrix n = layers.layer_norm(layer + "self_attn_layer_norm", x, 1e-5);
            x += layers.linear(self + "out_proj",
                               attend(attention,
                                      layers.linear(self + "q_proj", n),
                                      layers.linear(self + "k_proj", n),
                                      layers.linear(self + "v_proj", n)));
            const Matrix m = layers.layer_norm(layer + "final_layer_norm", x, 1e-5);
            x += layers.linear(layer + "fc2", relu(layers.linear(layer + "fc1", m)));
        }
        x = layers.layer_norm("model.decoder.final_layer_norm", x, 1e-5);
        return layers.times_transposed("model.decoder.embed_tokens.weight", x);
    };
    return model;
}

/// Each head's query, key and value lie together: (heads, 3, head width) outputs.
Matrix neox_attention(const PlainLayers& layers, const std::string& name, const Matrix& x) {
    const Matrix all = layers.linear(name + "query_key_value", x);
    Matrix parts[3];
    for (Eigen::Index part = 0; part < 3; ++part) {
        parts[part].resize(x.rows(), kWidth);
        for (Eigen::Index head = 0; head < kHeads; ++head) {
            parts[part].middleCols(head * kHeadWidth, kHeadWidth) =
                all.middleCols((3 * head + part) * kHeadWidth, kHeadWidth);
        }
    }
    return layers.linear(
        name + "dense",
        attend(causal_heads(kHeads, kHeadWidth, 0.5), parts[0], parts[1], parts[2]));
}

PublishedModel gpt_neox(Random& random, bool parallel) {
    PublishedModel model;
    model.family = parallel ? "gpt-neox" : "gpt-neox-sequential";
    model.rotation.rotary_fraction = 0.5;
    Names names(random, model.tensors);
    names.table("gpt_neox.embed_in", kVocabulary);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("gpt_neox.layers.", i);
        names.norm(layer + "input_layernorm", true);
        names.norm(layer + "post_attention_layernorm", true);
        names.map(layer + "attention.query_key_value", 3 * kWidth, kWidth, true);
        names.map(layer + "attention.dense", kWidth, kWidth, true);
        names.map(layer + "mlp.dense_h_to_4h", kInner, kWidth, true);
        names.map(layer + "mlp.dense_4h_to_h", kWidth, kInner, true);
    }
    names.norm("gpt_neox.final_layer_norm", true);
    names.map("embed_out", kVocabulary, kWidth, false);
    model.configuration = {{"model_type", "gpt_neox"},
                           {"num_hidden_layers", kLayers},
                           {"num_attention_heads", kHeads},
                           {"hidden_size", kWidth},
                           {"intermediate_size", kInner},
                           {"vocab_size", kVocabulary},
                           {"max_position_embeddings", kPositions},
                           {"layer_norm_eps", 1e-5},
                           {"hidden_act", "gelu"},
                           {"rotary_pct", 0.5},
                           {"use_parallel_residual", parallel},
                           {"tie_word_embeddings", false}};
    model.forward = [parallel](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = numbered("gpt_neox.layers.", i);
            const auto mlp = [&](const Matrix& from) {
                const Matrix n = layers.layer_norm(layer + "post_attention_layernorm", from, 1e-5);
                return layers.linear(layer + "mlp.dense_4h_to_h",
                                     gelu(layers.linear(layer + "mlp.dense_h_to_4h", n)));
            };
            const Matrix attention =
                neox_attention(layers,
                               layer + "attention.",
                               layers.layer_norm(layer + "input_layernorm", x, 1e-5));
            const Matrix read = parallel ? x : Matrix(x + attention);
            x = x + attention + mlp(read);
        }
        return layers.linear("embed_out", layers.layer_norm("gpt_neox.final_layer_norm", x, 1e-5));
    };
    return model;
}

PublishedModel phi(Random& random) {
    PublishedModel model;
    model.family = "phi";
    model.rotation.rotary_fraction = 0.5;
    Names names(random, model.tensors);
    names.table("model.embed_tokens", kVocabulary);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("model.layers.", i);
        names.norm(layer + "input_layernorm", true);
        for (const char* map : {"q_proj", "k_proj", "v_proj", "dense"}) {
            names.map(layer + "self_attn." + map, kWidth, kWidth, true);
        }
        names.map(layer + "mlp.fc1", kInner, kWidth, true);
        names.map(layer + "mlp.fc2", kWidth, kInner, true);
    }
    names.norm("model.final_layernorm", true);
    names.map("lm_head", kVocabulary, kWidth, true);
    model.configuration = {{"model_type", "phi"},
                           {"num_hidden_layers", kLayers},
                           {"num_attention_heads", kHeads},
                           {"hidden_size", kWidth},
                           {"intermediate_size", kInner},
                           {"vocab_size", kVocabulary},
                           {"layer_norm_eps", 1e-5},
                           {"hidden_act", "gelu_new"},
                           {"partial_rotary_factor", 0.5},
                           {"tie_word_embeddings", false}};
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        const PlainAttention attention = causal_heads(kHeads, kHeadWidth, 0.5);
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = numbered("model.layers.", i);
            const std::string self = layer + "self_attn.";
            const Matrix n = layers.layer_norm(layer + "input_layernorm", x, 1e-5);
            const Matrix attended = layers.linear(self + "dense",
                                                  attend(attention,
                                                         layers.linear(self + "q_proj", n),
                                                         layers.linear(self + "k_proj", n),
                                                         layers.linear(self + "v_proj", n)));
            x = x + attended +
                layers.linear(layer + "mlp.fc2", gelu_tanh(layers.linear(layer + "mlp.fc1", n)));
        }
        return layers.linear("lm_head", layers.layer_norm("model.final_layernorm", x, 1e-5));
    };
    return model;
}

PublishedModel nanogpt_lipschitz(Random& random) {
    PublishedModel model;
    model.family = "nanogpt-lipschitz";
    Names names(random, model.tensors);
    names.table("embed", kVocabulary);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered("blocks.", i);
        for (const char* map : {"attn_q", "attn_k", "attn_v", "c_proj"}) {
            names.map(layer + "attn." + map, kWidth, kWidth, false);
        }
        names.map(layer + "mlp.c_fc", kInner, kWidth, false);
        names.map(layer + "mlp.c_proj", kWidth, kInner, false);
    }
    names.map("lm_head", kVocabulary + 3, kWidth, false);
    model.configuration = {{"model_type", "nanogpt-lipschitz"},
                           {"n_layer", kLayers},
                           {"head_dim", kHeadWidth},
                           {"w_max", 2.0}};
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        PlainAttention attention = causal_heads(kHeads, kHeadWidth, 1.0);
        attention.scale = std::sqrt(4.0) / (2.0 * 2.0) / 4.0;
        const double share = 1.0 / (2.0 * kLayers);
        Matrix x = stream;
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = numbered("blocks.", i);
            const Matrix attended = layers.linear(layer + "attn.c_proj",
                                                  attend(attention,
                                                         layers.linear(layer + "attn.attn_q", x),
                                                         layers.linear(layer + "attn.attn_k", x),
                                                         layers.linear(layer + "attn.attn_v", x)));
            x = (1.0 - share) * x + share * attended / 3.0;
            const Matrix hidden = gelu(layers.linear(layer + "mlp.c_fc", x)) / 1.1289;
            x = (1.0 - share) * x + share * layers.linear(layer + "mlp.c_proj", hidden);
        }
        return layers.linear("lm_head", x);
    };
    return model;
}

}  // namespace

std::vector<PublishedModel> published_models(Random& random) {
    LlamaKin qwen2;
    qwen2.biases = true;
    LlamaKin qwen3;
    qwen3.head_width = 6;
    qwen3.head_norms = true;
    LlamaKin phi3;
    phi3.fused = true;
    LlamaKin gemma;
    gemma.head_width = 6;
    gemma.plus = 1.0;
    std::vector<PublishedModel> models;
    models.push_back(llama_kin(random, "qwen2", qwen2));
    models.push_back(llama_kin(random, "qwen3", qwen3));
    models.push_back(llama_kin(random, "phi3", phi3));
    models.push_back(llama_kin(random, "gemma", gemma));
    models.push_back(gemma2(random));
    models.push_back(opt(random));
    models.push_back(gpt_neox(random, true));
    models.push_back(gpt_neox(random, false));
    models.push_back(phi(random));
    models.push_back(nanogpt_lipschitz(random));
    for (PublishedModel& encoder : encoders(random)) {
        models.push_back(std::move(encoder));
    }
    for (PublishedModel& other : others(random)) {
        models.push_back(std::move(other));
    }
    return models;
}

std::vector<PublishedModel> models_of_vectors(Random& random) {
    std::vector<PublishedModel> models = published_models(random);
    std::erase_if(models, [](const PublishedModel& model) {
        return model.configuration.value("model_type", "") != "vit";
    });
    return models;
}

}  // namespace lipcert::test
