#include "support/model_builder.hpp"

#include <cmath>
#include <utility>

namespace lipcert::test {

namespace {

/// Draws the tensors of one model and puts them into its table.
class Drawing {
public:
    Drawing(Random& random, const TinyOptions& options) : random_(random), options_(options) {}

    /// A weight [out, in].
    void linear(const std::string& name, std::size_t outputs, std::size_t inputs) {
        tensors_.matrices[name] = matrix(outputs, inputs, weight_deviation(inputs));
    }

    /// A weight [in, out].
    void transposed_linear(const std::string& name, std::size_t outputs, std::size_t inputs) {
        tensors_.matrices[name] = matrix(inputs, outputs, weight_deviation(inputs));
    }

    void table(const std::string& name, std::size_t rows) {
        tensors_.matrices[name] = matrix(rows, options_.width, options_.embedding_gain);
    }

    void copy(const std::string& name, const std::string& original) {
        tensors_.matrices[name] = tensors_.matrices.at(original);
    }

    void bias(const std::string& name, std::size_t size) {
        tensors_.vectors[name] = vector(size, options_.bias_gain);
    }

    void norm_weight(const std::string& name) {
        tensors_.vectors[name] =
            Vector::Ones(index(options_.width)) + vector(options_.width, options_.norm_gain);
    }

    [[nodiscard]] TinyModel finish(nlohmann::json values) {
        if (options_.edit) {
            options_.edit(tensors_);
        }
        if (options_.configure) {
            options_.configure(values);
        }
        return make_model(tensors_, std::move(values));
    }

private:
    static Eigen::Index index(std::size_t size) { return static_cast<Eigen::Index>(size); }

    [[nodiscard]] double weight_deviation(std::size_t inputs) const {
        return options_.weight_gain / std::sqrt(static_cast<double>(inputs));
    }

    Matrix matrix(std::size_t rows, std::size_t cols, double deviation) {
        return random_.gaussian(index(rows), index(cols), deviation);
    }

    Vector vector(std::size_t size, double deviation) {
        return random_.gaussian_vector(index(size), deviation);
    }

    Random& random_;
    const TinyOptions& options_;
    TinyTensors tensors_;
};

/// The parts of a GPT block in which GPT-2 and nanoGPT differ.
struct GptStyle {
    bool transposed = false;
    bool biases = true;
    std::size_t inner_width = 0;
};

void draw_gpt_linear(Drawing& drawing,
                     const GptStyle& style,
                     const std::string& name,
                     std::size_t outputs,
                     std::size_t inputs) {
    if (style.transposed) {
        drawing.transposed_linear(name + ".weight", outputs, inputs);
    } else {
        drawing.linear(name + ".weight", outputs, inputs);
    }
    if (style.biases) {
        drawing.bias(name + ".bias", outputs);
    }
}

void draw_gpt_norm(Drawing& drawing,
                   const GptStyle& style,
                   const std::string& name,
                   std::size_t width) {
    drawing.norm_weight(name + ".weight");
    if (style.biases) {
        drawing.bias(name + ".bias", width);
    }
}

void draw_gpt_block(Drawing& drawing,
                    const GptStyle& style,
                    const std::string& block,
                    std::size_t width) {
    draw_gpt_norm(drawing, style, block + "ln_1", width);
    draw_gpt_linear(drawing, style, block + "attn.c_attn", 3 * width, width);
    draw_gpt_linear(drawing, style, block + "attn.c_proj", width, width);
    draw_gpt_norm(drawing, style, block + "ln_2", width);
    draw_gpt_linear(drawing, style, block + "mlp.c_fc", style.inner_width, width);
    draw_gpt_linear(drawing, style, block + "mlp.c_proj", width, style.inner_width);
}

void draw_gpt(Drawing& drawing,
              const GptStyle& style,
              const TinyOptions& options,
              const std::string& prefix,
              std::size_t positions) {
    drawing.table(prefix + "wte.weight", options.vocabulary);
    drawing.table(prefix + "wpe.weight", positions);
    for (std::size_t layer = 0; layer < options.layers; ++layer) {
        draw_gpt_block(drawing, style, prefix + "h." + std::to_string(layer) + ".", options.width);
    }
    draw_gpt_norm(drawing, style, prefix + "ln_f", options.width);
}

void draw_llama_block(Drawing& drawing, const LlamaOptions& options, const std::string& block) {
    const std::size_t head_width =
        options.head_width == 0 ? options.width / options.heads : options.head_width;
    const std::size_t query_width = options.heads * head_width;
    const std::size_t key_width = options.key_value_heads * head_width;
    const std::string attention = block + "self_attn.";
    drawing.norm_weight(block + "input_layernorm.weight");
    drawing.linear(attention + "q_proj.weight", query_width, options.width);
    drawing.linear(attention + "k_proj.weight", key_width, options.width);
    drawing.linear(attention + "v_proj.weight", key_width, options.width);
    drawing.linear(attention + "o_proj.weight", options.width, query_width);
    if (options.attention_biases) {
        drawing.bias(attention + "q_proj.bias", query_width);
        drawing.bias(attention + "k_proj.bias", key_width);
        drawing.bias(attention + "v_proj.bias", key_width);
        drawing.bias(attention + "o_proj.bias", options.width);
    }
    drawing.norm_weight(block + "post_attention_layernorm.weight");
    drawing.linear(block + "mlp.gate_proj.weight", options.inner_width, options.width);
    drawing.linear(block + "mlp.up_proj.weight", options.inner_width, options.width);
    drawing.linear(block + "mlp.down_proj.weight", options.width, options.inner_width);
}

}  // namespace

TinyModel make_model(const TinyTensors& tensors, nlohmann::json values) {
    TinyModel model;
    model.checkpoint = std::make_unique<MemoryCheckpoint>();
    for (const auto& [name, matrix] : tensors.matrices) {
        const auto shape = tensors.shapes.find(name);
        if (shape == tensors.shapes.end()) {
            model.checkpoint->add(name, matrix);
        } else {
            model.checkpoint->add_shaped(name, matrix, shape->second);
        }
    }
    for (const auto& [name, vector] : tensors.vectors) {
        model.checkpoint->add_vector(name, vector);
    }
    model.checkpoint->set_configuration(values.dump());
    model.configuration = {std::move(values), "config.json"};
    return model;
}

TinyModel tiny_llama(Random& random, const LlamaOptions& options) {
    Drawing drawing(random, options);
    drawing.table("model.embed_tokens.weight", options.vocabulary);
    for (std::size_t layer = 0; layer < options.layers; ++layer) {
        draw_llama_block(drawing, options, "model.layers." + std::to_string(layer) + ".");
    }
    drawing.norm_weight("model.norm.weight");
    if (!options.tied) {
        drawing.linear("lm_head.weight", options.vocabulary, options.width);
    }
    nlohmann::json values = {{"architectures", {"LlamaForCausalLM"}},
                             {"model_type", "llama"},
                             {"vocab_size", options.vocabulary},
                             {"hidden_size", options.width},
                             {"intermediate_size", options.inner_width},
                             {"num_hidden_layers", options.layers},
                             {"num_attention_heads", options.heads},
                             {"num_key_value_heads", options.key_value_heads},
                             {"hidden_act", options.activation},
                             {"rms_norm_eps", options.epsilon},
                             {"rope_theta", 10000.0},
                             {"tie_word_embeddings", options.tied},
                             {"attention_bias", options.attention_biases},
                             {"mlp_bias", false}};
    if (options.head_width != 0) {
        values["head_dim"] = options.head_width;
    }
    return drawing.finish(std::move(values));
}

TinyModel tiny_gpt2(Random& random, const Gpt2Options& options) {
    Drawing drawing(random, options);
    const std::size_t inner = options.inner_width == 0 ? 4 * options.width : options.inner_width;
    draw_gpt(drawing, {true, true, inner}, options, options.prefix, options.positions);
    if (options.lm_head_stored) {
        drawing.copy("lm_head.weight", options.prefix + "wte.weight");
    }
    nlohmann::json values = {{"architectures", {"GPT2LMHeadModel"}},
                             {"model_type", "gpt2"},
                             {"vocab_size", options.vocabulary},
                             {"n_embd", options.width},
                             {"n_inner", nullptr},
                             {"n_layer", options.layers},
                             {"n_head", options.heads},
                             {"n_positions", options.positions},
                             {"activation_function", options.activation},
                             {"layer_norm_epsilon", options.epsilon},
                             {"scale_attn_weights", true},
                             {"scale_attn_by_inverse_layer_idx", false}};
    if (options.inner_width != 0) {
        values["n_inner"] = options.inner_width;
    }
    return drawing.finish(std::move(values));
}

TinyModel tiny_nanogpt(Random& random, const NanoGptOptions& options) {
    Drawing drawing(random, options);
    draw_gpt(drawing,
             {false, options.biases, 4 * options.width},
             options,
             options.prefix,
             options.positions);
    if (options.lm_head_stored) {
        drawing.copy("lm_head.weight", options.prefix + "wte.weight");
    }
    return drawing.finish({{"n_layer", options.layers},
                           {"n_head", options.heads},
                           {"n_embd", options.width},
                           {"block_size", options.positions},
                           {"bias", options.biases},
                           {"vocab_size", options.vocabulary},
                           {"dropout", 0.0}});
}

TinyModel tiny_lipschitz_transformer(Random& random, const LipschitzOptions& options) {
    Drawing drawing(random, options);
    drawing.table("embed.weight", options.vocabulary);
    for (std::size_t layer = 0; layer < options.layers; ++layer) {
        const std::string block = "blocks." + std::to_string(layer) + ".";
        for (const char* name : {"attn_q", "attn_k", "attn_v", "c_proj"}) {
            drawing.linear(block + "attn." + name + ".weight", options.width, options.width);
        }
        drawing.linear(block + "mlp.c_fc.weight", options.inner_width, options.width);
        drawing.linear(block + "mlp.c_proj.weight", options.width, options.inner_width);
    }
    drawing.linear("lm_head.weight", options.vocabulary, options.width);
    nlohmann::json values = {{"model_type", "lipschitz-transformer"},
                             {"n_layer", options.layers},
                             {"n_head", options.heads},
                             {"n_embd", options.width},
                             {"vocab_size", options.vocabulary},
                             {"softmax_scale", options.softmax_scale},
                             {"attention_output_scale", options.attention_output_scale},
                             {"activation", options.activation},
                             {"activation_scale", options.activation_scale},
                             {"residual_scale", options.residual_scale},
                             {"rope", options.rope},
                             {"norm", options.norm}};
    if (options.final_scale) {
        values["final_scale"] = *options.final_scale;
    }
    if (options.norm != "none") {
        values["norm_eps"] = options.norm_epsilon;
    }
    if (options.causal) {
        values["causal"] = *options.causal;
    }
    return drawing.finish(std::move(values));
}

}  // namespace lipcert::test
