#include "lipcert/architecture/description.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "support/model_builder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::Matrix;
using lipcert::Vector;
using lipcert::test::error_of;
using lipcert::test::Gpt2Options;
using lipcert::test::LipschitzOptions;
using lipcert::test::LlamaOptions;
using lipcert::test::NanoGptOptions;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;

namespace {

using Edit = std::function<void(TinyTensors&)>;
using Configure = std::function<void(nlohmann::json&)>;

/// What is said about a Llama after these changes; it must be an architecture error.
Error llama_error(const Edit& edit, const Configure& configure) {
    Random random(0x11);
    LlamaOptions options;
    options.edit = edit;
    options.configure = configure;
    const TinyModel model = tiny_llama(random, options);
    Error error = error_of([&] { return architecture_of(*model.checkpoint, model.configuration); });
    CHECK(error.kind() == ErrorKind::architecture);
    INFO(error.what());
    return error;
}

void accept_llama(const Configure& configure) {
    Random random(0x13);
    LlamaOptions options;
    options.configure = configure;
    const TinyModel model = tiny_llama(random, options);
    (void)architecture_of(*model.checkpoint, model.configuration);
}

template <typename Options, typename Builder>
Error error_with(const Builder& build, const Configure& configure, const Edit& edit = {}) {
    Random random(0x12);
    Options options;
    options.configure = configure;
    options.edit = edit;
    const TinyModel model = build(random, options);
    return error_of([&] { return architecture_of(*model.checkpoint, model.configuration); });
}

Configure without(const std::string& key) {
    return [key](nlohmann::json& values) { values.erase(key); };
}

Configure with(const std::string& key, const nlohmann::json& value) {
    return [key, value](nlohmann::json& values) { values[key] = value; };
}

}  // namespace

TEST_CASE("a parameter that decides the bound and is nowhere is asked for, by name and key") {
    const Error heads = llama_error({}, without("num_attention_heads"));
    CHECK(says(heads, "'heads'"));
    CHECK(says(heads, "\"num_attention_heads\" in config.json"));
    CHECK(says(heads, "--config"));
    CHECK(says(llama_error({}, without("rms_norm_eps")), "\"rms_norm_eps\""));
    CHECK(says(llama_error({}, without("hidden_act")), "\"hidden_act\""));
    CHECK(says(llama_error({}, without("num_hidden_layers")), "'layers'"));
    CHECK(says(error_with<Gpt2Options>(lipcert::test::tiny_gpt2, without("layer_norm_epsilon")),
               "layer_norm_epsilon"));
    CHECK(says(error_with<Gpt2Options>(lipcert::test::tiny_gpt2, without("activation_function")),
               "activation_function"));
    CHECK(says(error_with<NanoGptOptions>(lipcert::test::tiny_nanogpt, without("n_head")),
               "\"n_head\" or \"model_args.n_head\""));
    for (const char* key : {"softmax_scale",
                            "attention_output_scale",
                            "activation",
                            "activation_scale",
                            "residual_scale",
                            "rope",
                            "norm",
                            "n_head",
                            "n_embd",
                            "vocab_size"}) {
        INFO(key);
        CHECK(says(
            error_with<LipschitzOptions>(lipcert::test::tiny_lipschitz_transformer, without(key)),
            "\"" + std::string(key) + "\""));
    }
    CHECK(says(error_with<LipschitzOptions>(lipcert::test::tiny_lipschitz_transformer,
                                            with("norm", "rmsnorm")),
               "\"norm_eps\""));
}

TEST_CASE("without any configuration the message says so") {
    Random random(0x13);
    TinyModel model = tiny_gpt2(random, {});
    model.configuration = {nlohmann::json::object(), "(none)"};
    CHECK(says(error_of([&] { return architecture_of(*model.checkpoint, model.configuration); }),
               "of which there is none"));
    model = tiny_llama(random, {});
    model.configuration = {nlohmann::json::object(), "(none)"};
    const Error error =
        error_of([&] { return architecture_of(*model.checkpoint, model.configuration); });
    CHECK(says(error, "there is no configuration"));
    CHECK(says(error, "\"model_type\" must be \"llama\" or \"mistral\""));
}

TEST_CASE("values of the wrong type, negative, zero or absurd are refused") {
    const std::string heads = "num_attention_heads";
    for (const nlohmann::json& value : {nlohmann::json(0),
                                        nlohmann::json(-2),
                                        nlohmann::json(2.0),
                                        nlohmann::json("2"),
                                        nlohmann::json(true),
                                        nlohmann::json(4000000000),
                                        nlohmann::json(18446744073709551615ULL)}) {
        INFO(value.dump());
        CHECK(says(llama_error({}, with(heads, value)), "expected a whole number from 1"));
    }
    for (const nlohmann::json& value :
         {nlohmann::json(0), nlohmann::json(-1e-5), nlohmann::json(0.0), nlohmann::json("1e-5")}) {
        INFO(value.dump());
        CHECK(says(llama_error({}, with("rms_norm_eps", value)), "expected a number above 0"));
    }
    CHECK(says(llama_error({}, with("rms_norm_eps", 1e5)), "above 1"));
    CHECK(says(llama_error({}, with("hidden_act", "snake")), "\"silu\""));
    CHECK(says(llama_error({}, with("hidden_act", 3)), "\"silu\""));
    const auto lipschitz = [](const Configure& configure) {
        return error_with<LipschitzOptions>(lipcert::test::tiny_lipschitz_transformer, configure);
    };
    CHECK(says(lipschitz(with("rope", true)), "rope"));
    CHECK(says(lipschitz(with("rope", {{"base", 1e4}, {"fraction", 1.5}})), "fraction"));
    CHECK(says(lipschitz(with("rope", {{"base", 1e4}})), "fraction"));
    CHECK(says(lipschitz(with("rope", {{"base", 1e4}, {"fraction", 1}, {"yarn", 2}})), "fraction"));
    CHECK(says(lipschitz(with("norm", "batchnorm")), "\"layernorm\""));
    CHECK(says(lipschitz(with("causal", 1)), "true or false"));
    CHECK(says(lipschitz(with("softmax_scale", -1.0)), "above 0"));
}

TEST_CASE("a matrix without a place stops certification, and so does a vector") {
    const Error matrix = llama_error(
        [](TinyTensors& tensors) { tensors.matrices["model.adapter"] = Matrix::Ones(2, 3); }, {});
    CHECK(says(matrix, "model.adapter (2 x 3, float64)"));
    CHECK(says(matrix, "no place in family llama"));
    const Error vector = llama_error(
        [](TinyTensors& tensors) {
            tensors.vectors["model.layers.0.mlp.gate_proj.bias2"] = Vector::Ones(12);
        },
        {});
    CHECK(says(vector, "gate_proj.bias2"));
    const Error many = llama_error(
        [](TinyTensors& tensors) {
            for (const std::string digit : {"0", "1", "2", "3", "4", "5", "6"}) {
                tensors.matrices["zz." + digit] = Matrix::Ones(2, 2);
            }
        },
        {});
    CHECK(says(many, "7 tensors"));
    CHECK(says(many, "zz.4"));
    CHECK_FALSE(says(many, "zz.5"));
}

TEST_CASE("more layers in the file than in the configuration are left over; fewer are missing") {
    const Error extra = llama_error({}, with("num_hidden_layers", 1));
    CHECK(says(extra, "model.layers.1."));
    const Error missing = llama_error({}, with("num_hidden_layers", 3));
    CHECK(says(missing, "there is no tensor model.layers.2.input_layernorm.weight"));
    CHECK(says(missing, "layers = 3 (config.json: num_hidden_layers)"));
    CHECK(says(llama_error({}, with("num_hidden_layers", 2147483647)), "cannot be meant"));
}

TEST_CASE("every wrong shape is refused with the tensor, its shape and the expected one") {
    const auto reshaped = [](const std::string& name, Eigen::Index rows, Eigen::Index cols) {
        return llama_error(
            [&](TinyTensors& tensors) { tensors.matrices[name] = Matrix::Ones(rows, cols); }, {});
    };
    const std::string block = "model.layers.1.";
    const Error key = reshaped(block + "self_attn.k_proj.weight", 8, 8);
    CHECK(says(key, "k_proj.weight is 8 x 8"));
    CHECK(says(key, "key-value heads x head width = 1 x 4 = 4"));
    CHECK(says(reshaped(block + "self_attn.q_proj.weight", 4, 8), "heads x head width"));
    CHECK(says(reshaped(block + "self_attn.v_proj.weight", 8, 8), "v_proj.weight is 8 x 8"));
    CHECK(says(reshaped(block + "self_attn.q_proj.weight", 8, 7), "expected 8 x 8"));
    CHECK(says(reshaped(block + "self_attn.o_proj.weight", 7, 8), "8 outputs in the end"));
    CHECK(says(reshaped(block + "self_attn.o_proj.weight", 8, 4), "expected 8 x 8"));
    CHECK(says(reshaped(block + "mlp.gate_proj.weight", 11, 8), "intermediate_size"));
    CHECK(says(reshaped(block + "mlp.up_proj.weight", 11, 8), "12 outputs"));
    CHECK(says(reshaped(block + "mlp.down_proj.weight", 8, 11), "expected 8 x 12"));
    CHECK(says(reshaped("model.embed_tokens.weight", 12, 8), "vocab_size"));
    CHECK(says(reshaped("model.embed_tokens.weight", 11, 7), "model.embed_tokens.weight"));
    CHECK(says(reshaped("lm_head.weight", 11, 7), "expected 11 x 8"));
    const auto revector = [](const std::string& name, Eigen::Index size) {
        return llama_error(
            [&](TinyTensors& tensors) { tensors.vectors[name] = Vector::Ones(size); }, {});
    };
    CHECK(says(revector(block + "input_layernorm.weight", 7), "expected 8"));
    CHECK(says(revector("model.norm.weight", 9), "the shape of model.norm.weight is 9"));
    CHECK(says(llama_error(
                   [](TinyTensors& tensors) {
                       for (const std::string layer : {"0", "1"}) {
                           tensors.vectors["model.layers." + layer + ".self_attn.q_proj.bias"] =
                               Vector::Ones(7);
                       }
                   },
                   without("attention_bias")),
               "one entry per output"));
}

TEST_CASE("heads that do not divide what they must are refused") {
    CHECK(says(llama_error({}, with("num_attention_heads", 3)), "not a whole number"));
    CHECK(says(llama_error({}, with("num_attention_heads", 4)), "heads = 4"));
    Random random(0x15);
    LlamaOptions options;
    options.heads = 3;
    options.key_value_heads = 2;
    options.head_width = 4;
    const TinyModel odd = tiny_llama(random, options);
    CHECK(says(error_of([&] { return architecture_of(*odd.checkpoint, odd.configuration); }),
               "divides"));
    options.key_value_heads = 3;
    options.head_width = 3;
    const TinyModel half = tiny_llama(random, options);
    CHECK(says(error_of([&] { return architecture_of(*half.checkpoint, half.configuration); }),
               "even head width"));
}

TEST_CASE("options that make it another model are refused") {
    CHECK(says(llama_error({}, with("rope_scaling", {{"rope_type", "yarn"}, {"factor", 4.0}})),
               "\"rope_scaling.rope_type\" = \"yarn\""));
    CHECK(says(llama_error({}, with("rope_scaling", {{"type", "longrope"}})), "longrope"));
    CHECK(says(llama_error({}, with("rope_parameters", {{"rope_type", "yarn"}})), "yarn"));
    CHECK(says(llama_error({}, with("rope_scaling", "yarn")), "\"rope_scaling\" = \"yarn\""));
    CHECK(says(llama_error({}, with("tie_word_embeddings", false)), "tie_word_embeddings"));
    CHECK(says(llama_error({}, with("quantization_config", {{"bits", 4}})), "quantization_config"));
    CHECK(says(llama_error({}, with("model_type", "cohere")), "\"model_type\" is \"cohere\""));
    const auto gpt2 = [](const Configure& configure) {
        return error_with<Gpt2Options>(lipcert::test::tiny_gpt2, configure);
    };
    CHECK(says(gpt2(with("scale_attn_weights", false)), "scale_attn_weights"));
    CHECK(says(gpt2(with("scale_attn_by_inverse_layer_idx", true)), "inverse_layer_idx"));
    CHECK(says(gpt2(with("tie_word_embeddings", false)), "tie_word_embeddings"));
    CHECK(says(gpt2(with("n_positions", 17)), "n_positions"));
    const auto nanogpt = [](const Configure& configure) {
        return error_with<NanoGptOptions>(lipcert::test::tiny_nanogpt, configure);
    };
    CHECK(says(nanogpt(with("activation_function", "relu")), "activation_function"));
    CHECK(says(nanogpt(with("hidden_act", "relu")), "hidden_act"));
    CHECK(says(nanogpt(with("layer_norm_eps", 1e-12)), "layer_norm_eps"));
    CHECK(says(nanogpt(with("norm", "rmsnorm")), "norm"));
    CHECK(says(nanogpt(with("scale_attn_weights", false)), "scale_attn_weights"));
    CHECK(says(nanogpt(with("scale_attn_by_inverse_layer_idx", true)), "inverse_layer_idx"));
}

TEST_CASE("settings that leave no tensor behind and change the function are refused") {
    for (const char* key : {"attention_multiplier",
                            "residual_multiplier",
                            "attn_logit_softcapping",
                            "logits_scaling",
                            "clip_qkv",
                            "qk_norm",
                            "query_pre_attn_scalar",
                            "attention_sinks"}) {
        CAPTURE(key);
        CHECK(says(llama_error({}, with(key, 12.0)), key));
    }
    // 1 is a scale, a cap or a flag here, not "as usual".
    for (const char* key : {"attention_multiplier",
                            "query_pre_attn_scalar",
                            "attn_logit_softcapping",
                            "final_logit_softcapping",
                            "clip_qkv",
                            "use_qk_norm",
                            "num_sink_tokens",
                            "attn_scale",
                            "use_parallel_residual"}) {
        CAPTURE(key);
        CHECK(says(llama_error({}, with(key, 1)), key));
        CHECK(says(llama_error({}, with(key, 1.0)), key));
        CHECK_NOTHROW(accept_llama(with(key, nullptr)));
    }
    CHECK_NOTHROW(accept_llama(with("residual_multiplier", 1.0)));
    CHECK(says(llama_error({}, with("rope_scaling_type", "YaRN")), "YaRN"));
    const nlohmann::json in_array = nlohmann::json::array({{{"attn_logit_softcapping", 30}}});
    CHECK(says(llama_error({}, with("layers", in_array)), "layers.0.attn_logit_softcapping"));
    CHECK(says(llama_error({}, with("rope_parameters.rope_type", "proportional")), "proportional"));
    CHECK(says(llama_error({}, with("auto_map", {{"AutoModel", "model.Mine"}})), "auto_map"));
    const nlohmann::json nested = {{"full_attention", {{"rope_type", "yarn"}, {"factor", 4}}}};
    CHECK(says(llama_error({}, with("rope_parameters", nested)), "rope_parameters.full_attention"));
    CHECK(says(error_with<Gpt2Options>(lipcert::test::tiny_gpt2, with("mup_width_scale", 2.0)),
               "mup_width_scale"));
}

TEST_CASE("a rotary scaling that is not known to turn angles only is refused, wherever it is") {
    for (const nlohmann::json& scaling : {nlohmann::json("mrope"),
                                          nlohmann::json(2),
                                          nlohmann::json{{"type", "mrope"}},
                                          nlohmann::json{{"rope_type", 3}},
                                          nlohmann::json{{"attention_factor", 1.2}},
                                          nlohmann::json{{"mscale", 0.7}}}) {
        CAPTURE(scaling.dump());
        CHECK(says(llama_error({}, with("rope_scaling", scaling)), "\"rope_scaling"));
    }
    CHECK(says(llama_error({}, with("partial_rotary_factor", 0.5)), "partial_rotary_factor"));
    const nlohmann::json nested = {{"sliding_attention", {{"rope_type", "proportional"}}}};
    CHECK(says(llama_error({}, with("rope_parameters", nested)), "proportional"));
    CHECK(says(error_with<Gpt2Options>(lipcert::test::tiny_gpt2, with("rope_type", "mrope")),
               "\"rope_type\" = \"mrope\""));
}

TEST_CASE("rotary scalings that only turn the angles are accepted") {
    for (const nlohmann::json& scaling :
         {nlohmann::json(),
          nlohmann::json("linear"),
          nlohmann::json{{"type", "dynamic"}, {"factor", 4.0}},
          nlohmann::json{{"rope_type", "llama3"}},
          nlohmann::json{{"rope_type", "default"}, {"attention_factor", 1.0}},
          nlohmann::json{{"type", nullptr}}}) {
        CAPTURE(scaling.dump());
        CHECK_NOTHROW(accept_llama(with("rope_scaling", scaling)));
    }
}

TEST_CASE("settings that are present without an effect are accepted") {
    Random random(0x13);
    LlamaOptions options;
    options.configure = [](nlohmann::json& values) {
        values["attn_logit_softcapping"] = nullptr;
        values["qk_norm"] = false;
        values["residual_multiplier"] = 1.0;
        values["sliding_window"] = 4096;
        values["rope_theta"] = 10000.0;
    };
    const TinyModel model = tiny_llama(random, options);
    CHECK_NOTHROW((void)architecture_of(*model.checkpoint, model.configuration));
}

TEST_CASE("a misspelt key of the lipschitz-transformer layout is refused") {
    CHECK(says(error_with<LipschitzOptions>(lipcert::test::tiny_lipschitz_transformer,
                                            with("finalscale", 100.0)),
               "finalscale"));
}

TEST_CASE("a stored unembedding that differs from the one it is tied to is refused") {
    const auto doubled = [](TinyTensors& tensors) {
        tensors.matrices["lm_head.weight"] = 2.0 * tensors.matrices["transformer.wte.weight"];
    };
    CHECK(says(error_with<Gpt2Options>(lipcert::test::tiny_gpt2, {}, doubled), "differs from"));
    CHECK(
        says(error_with<NanoGptOptions>(lipcert::test::tiny_nanogpt, {}, doubled), "differs from"));
}

TEST_CASE("a c_attn that is neither GPT-2's nor nanoGPT's is refused, naming both") {
    for (const auto& shape : {std::pair(8, 8), std::pair(24, 24), std::pair(24, 16)}) {
        const Error error =
            error_with<Gpt2Options>(lipcert::test::tiny_gpt2, {}, [&](TinyTensors& tensors) {
                tensors.matrices["transformer.h.0.attn.c_attn.weight"] =
                    Matrix::Ones(shape.first, shape.second);
            });
        CHECK(says(error, "gpt2: transformer.h.0.attn.c_attn.weight is"));
        CHECK(says(error, "nanogpt: transformer.h.0.attn.c_attn.weight is"));
    }
    const Error turned =
        error_with<NanoGptOptions>(lipcert::test::tiny_nanogpt, with("model_type", "gpt2"));
    CHECK(says(turned, "\"model_type\" is \"gpt2\""));
}

TEST_CASE("a fused tensor of another layer with outputs that no slice covers is refused") {
    const Error wide =
        error_with<Gpt2Options>(lipcert::test::tiny_gpt2, {}, [](TinyTensors& tensors) {
            tensors.matrices["transformer.h.1.attn.c_attn.weight"] = Matrix::Ones(8, 25);
            tensors.vectors["transformer.h.1.attn.c_attn.bias"] = Vector::Ones(25);
        });
    CHECK(says(wide, "24 outputs, which is what its slices cover"));
    const Error narrow =
        error_with<Gpt2Options>(lipcert::test::tiny_gpt2, {}, [](TinyTensors& tensors) {
            tensors.matrices["transformer.h.1.attn.c_attn.weight"] = Matrix::Ones(8, 23);
        });
    CHECK(says(narrow, "has 23 outputs"));
    const Error bias =
        error_with<Gpt2Options>(lipcert::test::tiny_gpt2, {}, [](TinyTensors& tensors) {
            tensors.vectors["transformer.h.1.attn.c_attn.bias"] = Vector::Ones(8);
        });
    CHECK(says(bias, "expected 24"));
}

TEST_CASE("a file of which nothing is known says what was looked for") {
    TinyTensors tensors;
    tensors.matrices["w"] = Matrix::Ones(2, 2);
    const TinyModel model = make_model(tensors, nlohmann::json::object());
    const Error error =
        error_of([&] { return architecture_of(*model.checkpoint, model.configuration); });
    CHECK(says(error, "no known family"));
    CHECK(says(error, "llama: there is no tensor model.embed_tokens.weight"));
    CHECK(says(error, "--architecture"));
}
