#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/stability.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "support/model_builder.hpp"
#include "support/program.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::architecture_of;
using lipcert::Attention;
using lipcert::GatedMlp;
using lipcert::Interval;
using lipcert::Layout;
using lipcert::Mlp;
using lipcert::Module;
using lipcert::Normalisation;
using lipcert::Residual;
using lipcert::Role;
using lipcert::roles_of;
using lipcert::Rotary;
using lipcert::Rounding;
using lipcert::stability_measures;
using lipcert::test::Gpt2Options;
using lipcert::test::LipschitzOptions;
using lipcert::test::LlamaOptions;
using lipcert::test::NanoGptOptions;
using lipcert::test::Random;
using lipcert::test::TinyModel;

namespace {

Architecture graph_of(const TinyModel& model) {
    return architecture_of(*model.checkpoint, model.configuration);
}

const Residual& residual(const Architecture& graph, std::size_t layer, std::size_t branch) {
    return std::get<Residual>(graph.layers.at(layer).modules.at(branch).kind);
}

template <typename Kind>
const Kind& last_of(const Residual& residual) {
    return std::get<Kind>(residual.body.back().kind);
}

const Attention& attention(const Architecture& graph, std::size_t layer) {
    return last_of<Attention>(residual(graph, layer, 0));
}

std::vector<std::string> words(const std::vector<Role>& roles) {
    std::vector<std::string> result;
    result.reserve(roles.size());
    for (const Role& role : roles) {
        result.push_back(role.role);
    }
    return result;
}

bool is_about(const Interval& interval, double value) {
    const double low = interval.low().to_double(Rounding::down);
    const double high = interval.high().to_double(Rounding::up);
    return low <= value && value <= high && high - low <= 1e-15 * (1 + value);
}

std::string source_of(const Architecture& graph, const std::string& name) {
    for (const auto& parameter : graph.parameters) {
        if (parameter.name == name) {
            return parameter.value + " from " + parameter.source;
        }
    }
    return "(nowhere)";
}

}  // namespace

TEST_CASE("a Llama is recognised, with grouped-query attention and tied embeddings") {
    Random random(1);
    LlamaOptions options;
    options.heads = 4;
    options.key_value_heads = 2;
    options.head_width = 6;
    const TinyModel model = tiny_llama(random, options);
    const Architecture graph = graph_of(model);
    CHECK(graph.family == "llama");
    CHECK(graph.source == "built-in");
    REQUIRE(graph.layers.size() == 2);
    const Attention& module = attention(graph, 1);
    CHECK(module.heads == 4);
    CHECK(module.key_value_heads == 2);
    CHECK(module.rotary == Rotary::half_split);
    CHECK(module.causal);
    CHECK(module.key.weight == "model.layers.1.self_attn.k_proj.weight");
    CHECK(module.key.bias.empty());
    CHECK(is_about(module.score_scale * module.score_scale, 1.0 / 6.0));
    const auto& mlp = last_of<GatedMlp>(residual(graph, 1, 1));
    CHECK(mlp.activation == lipcert::Activation::silu);
    CHECK(mlp.down.weight == "model.layers.1.mlp.down_proj.weight");
    const auto& norm = std::get<Normalisation>(residual(graph, 0, 0).body.front().kind);
    CHECK(norm.kind == lipcert::NormKind::rms);
    CHECK(is_about(norm.epsilon, 1e-5));
    CHECK(residual(graph, 0, 0).skip_scale.is_single_point());
    REQUIRE(graph.unembedding);
    CHECK(graph.unembedding->weight == "model.embed_tokens.weight");
    CHECK(graph.head.size() == 1);
    CHECK(graph.after_unembedding.empty());
    CHECK_FALSE(graph.reference_formula);
    CHECK(stability_measures(graph) == std::vector<std::string>{"rms_norm"});
    CHECK(source_of(graph, "heads") == "4 from config.json: num_attention_heads");
    CHECK(source_of(graph, "head_dim") == "6 from config.json: head_dim");
}

TEST_CASE("what a configuration leaves out has the default of its family, which is named") {
    Random random(2);
    LlamaOptions options;
    options.key_value_heads = 2;
    options.configure = [](nlohmann::json& values) {
        values.erase("num_key_value_heads");
        values["head_dim"] = nullptr;
    };
    const Architecture graph = graph_of(tiny_llama(random, options));
    CHECK(attention(graph, 0).key_value_heads == 2);
    CHECK(source_of(graph, "kv_heads") == "2 from family default: heads");
    CHECK(source_of(graph, "head_dim") == "4 from family default: width/heads");
}

TEST_CASE(
    "a Llama with biases, without the model. prefix and with its own unembedding is recognised") {
    Random random(3);
    LlamaOptions options;
    options.attention_biases = true;
    options.tied = false;
    options.edit = [](lipcert::test::TinyTensors& tensors) {
        lipcert::test::TinyTensors renamed;
        const auto bare = [](const std::string& name) {
            return name.rfind("model.", 0) == 0 ? name.substr(6) : name;
        };
        for (const auto& [name, values] : tensors.matrices) {
            renamed.matrices[bare(name)] = values;
        }
        for (const auto& [name, values] : tensors.vectors) {
            renamed.vectors[bare(name)] = values;
        }
        tensors = renamed;
    };
    const Architecture graph = graph_of(tiny_llama(random, options));
    CHECK(attention(graph, 0).query.bias == "layers.0.self_attn.q_proj.bias");
    CHECK(attention(graph, 0).output.bias == "layers.0.self_attn.o_proj.bias");
    CHECK(graph.unembedding->weight == "lm_head.weight");
    CHECK(roles_of(graph).back().role == "unembedding");
}

TEST_CASE("GPT-2 is stored [in, out] and nanoGPT [out, in], which the shape of c_attn tells") {
    Random random(4);
    for (const std::string prefix : {"transformer.", ""}) {
        Gpt2Options gpt2;
        gpt2.prefix = prefix;
        NanoGptOptions nano;
        nano.prefix = prefix;
        const Architecture first = graph_of(tiny_gpt2(random, gpt2));
        const Architecture second = graph_of(tiny_nanogpt(random, nano));
        CHECK(first.family == "gpt2");
        CHECK(second.family == "nanogpt");
        for (const Architecture* graph : {&first, &second}) {
            const Layout layout = graph == &first ? Layout::in_out : Layout::out_in;
            const Attention& module = attention(*graph, 1);
            CHECK(module.query.weight == prefix + "h.1.attn.c_attn.weight");
            CHECK(module.value.weight == module.query.weight);
            CHECK(module.value.bias == prefix + "h.1.attn.c_attn.bias");
            CHECK(module.query.slice->begin == 0);
            CHECK(module.key.slice->begin == 8);
            CHECK(module.value.slice->begin == 16);
            CHECK(module.value.slice->count == 8);
            CHECK(module.query.layout == layout);
            CHECK(module.output.layout == layout);
            CHECK(last_of<Mlp>(residual(*graph, 0, 1)).in.layout == layout);
            CHECK(graph->unembedding->layout == Layout::out_in);
            CHECK(graph->embedding.positions == prefix + "wpe.weight");
            CHECK(is_about(module.score_scale, 0.5));
            CHECK(module.score_scale.is_single_point());
            CHECK(stability_measures(*graph) == std::vector<std::string>{"layer_norm"});
        }
        CHECK(last_of<Mlp>(residual(first, 0, 1)).activation == lipcert::Activation::gelu_tanh);
        // Both forms of GELU are in use with nanoGPT's tensors; these constants hold for both.
        CHECK(last_of<Mlp>(residual(second, 0, 1)).activation == lipcert::Activation::gelu_tanh);
        CHECK(first.unembedding->weight == prefix + "wte.weight");
        CHECK(second.unembedding->weight == "lm_head.weight");
    }
}

TEST_CASE("a nanoGPT without biases has norms without them") {
    Random random(5);
    NanoGptOptions options;
    options.biases = false;
    const Architecture graph = graph_of(tiny_nanogpt(random, options));
    CHECK(attention(graph, 0).query.bias.empty());
    const auto& norm = std::get<Normalisation>(residual(graph, 0, 0).body.front().kind);
    CHECK(norm.weight == "transformer.h.0.ln_1.weight");
    CHECK(norm.bias.empty());
}

TEST_CASE("a lipschitz-transformer has convex sums and the scales of its configuration") {
    Random random(7);
    LipschitzOptions options;
    options.layers = 3;
    options.softmax_scale = 2.0;
    options.residual_scale = 1.5;
    const Architecture graph = graph_of(tiny_lipschitz_transformer(random, options));
    CHECK(graph.family == "lipschitz-transformer");
    const Residual& first = residual(graph, 2, 0);
    CHECK(is_about(first.skip_scale, 0.75));
    CHECK(is_about(first.branch_scale, 0.25));
    CHECK(first.body.size() == 1);
    const Attention& module = attention(graph, 2);
    CHECK(is_about(module.score_scale, 0.5));
    CHECK(is_about(module.output_scale, 1.0 / 3.0));
    CHECK(module.rotary == Rotary::half_split);
    CHECK(module.causal);
    const auto& mlp = last_of<Mlp>(residual(graph, 2, 1));
    CHECK(mlp.activation == lipcert::Activation::gelu_erf);
    CHECK(is_about(mlp.activation_scale, 1.0 / 1.1289));
    CHECK(graph.after_unembedding.size() == 1);
    CHECK(graph.reference_formula == "newhouse-2025");
    CHECK(stability_measures(graph).empty());
}

TEST_CASE("the options of a lipschitz-transformer change the graph as they say") {
    Random random(8);
    LipschitzOptions options;
    options.rope = {{"base", 10000}, {"fraction", 0.5}};
    options.norm = "layernorm";
    options.causal = false;
    options.final_scale = 2.5;
    const Architecture graph = graph_of(tiny_lipschitz_transformer(random, options));
    CHECK(attention(graph, 0).rotary == Rotary::partial);
    CHECK_FALSE(attention(graph, 0).causal);
    const auto& norm = std::get<Normalisation>(residual(graph, 1, 1).body.front().kind);
    CHECK(norm.kind == lipcert::NormKind::layer);
    CHECK(norm.weight.empty());
    CHECK(is_about(std::get<lipcert::Scale>(graph.after_unembedding.front().kind).factor, 2.5));
    CHECK_FALSE(graph.reference_formula);
    CHECK(stability_measures(graph) == std::vector<std::string>{"layer_norm"});

    options.rope = nullptr;
    options.norm = "rmsnorm";
    const Architecture other = graph_of(tiny_lipschitz_transformer(random, options));
    CHECK(attention(other, 0).rotary == Rotary::none);
    CHECK(stability_measures(other) == std::vector<std::string>{"rms_norm"});
}

TEST_CASE("roles come in the order of execution, each tensor once, with its layer") {
    Random random(9);
    LlamaOptions options;
    options.layers = 1;
    const auto llama = roles_of(graph_of(tiny_llama(random, options)));
    CHECK(words(llama) == std::vector<std::string>{"embedding",
                                                   "norm",
                                                   "query",
                                                   "key",
                                                   "value",
                                                   "attention output",
                                                   "norm",
                                                   "gate",
                                                   "up",
                                                   "down",
                                                   "norm"});
    CHECK_FALSE(llama.front().layer);
    CHECK(llama[2].layer == 0);
    CHECK(llama[2].tensor == "model.layers.0.self_attn.q_proj.weight");
    CHECK_FALSE(llama.back().layer);

    Gpt2Options gpt2;
    gpt2.layers = 1;
    const auto fused = words(roles_of(graph_of(tiny_gpt2(random, gpt2))));
    CHECK(fused == std::vector<std::string>{"embedding",
                                            "position",
                                            "norm",
                                            "norm bias",
                                            "fused query key value",
                                            "fused query key value bias",
                                            "attention output",
                                            "attention output bias",
                                            "norm",
                                            "norm bias",
                                            "mlp in",
                                            "mlp in bias",
                                            "mlp out",
                                            "mlp out bias",
                                            "norm",
                                            "norm bias"});
}

TEST_CASE("the real stories260K is a Llama with five layers, eight heads and tied embeddings") {
    const auto path = lipcert::test::stories_checkpoint();
    if (path.empty()) {
        MESSAGE("stories260K.h5 is not beside the project");
        return;
    }
    const auto checkpoint = lipcert::open_checkpoint(path);
    const Architecture graph =
        architecture_of(*checkpoint, lipcert::find_configuration(*checkpoint, std::nullopt));
    CHECK(graph.layers.size() == 5);
    CHECK(attention(graph, 4).heads == 8);
    CHECK(attention(graph, 4).key_value_heads == 4);
    CHECK(graph.unembedding->weight == "model.embed_tokens.weight");
}
