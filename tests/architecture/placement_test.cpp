#include "architecture/placement.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/error.hpp"

#include <string>
#include <vector>

#include "support/extra_tensor.hpp"
#include "support/model_builder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::architecture_of;
using lipcert::Checkpoint;
using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::Vector;
using lipcert::test::error_of;
using lipcert::test::float_tensor;
using lipcert::test::integer_tensor;
using lipcert::test::LlamaOptions;
using lipcert::test::NanoGptOptions;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;
using lipcert::test::WithTensor;
using nlohmann::json;

namespace {

using Shape = std::vector<std::size_t>;

/// What is ignored in the model once it also holds this tensor.
std::vector<std::string> ignored_with(const TinyModel& model,
                                      const std::string& name,
                                      const Shape& shape) {
    const WithTensor checkpoint(*model.checkpoint, float_tensor(name, shape));
    return architecture_of(checkpoint, model.configuration).ignored;
}

Error error_with(const TinyModel& model, const std::string& name, const Shape& shape) {
    return error_of([&] { return ignored_with(model, name, shape); });
}

/// GPT-2, described again with another list of tensors to ignore.
Architecture gpt2_ignoring(const json& ignore,
                           const Checkpoint& checkpoint,
                           const TinyModel& model) {
    for (const lipcert::FamilyDescription& family : lipcert::built_in_families()) {
        if (family.name == "gpt2") {
            json document = family.document;
            document["ignore"] = ignore;
            return build_architecture(
                {"gpt2", "my.json", document}, checkpoint, model.configuration);
        }
    }
    throw std::logic_error("there is no family gpt2");
}

/// A Llama whose configuration says `key` = `value`, and whose two layers have these biases.
TinyModel llama_with(const std::string& key,
                     const json& value,
                     const std::vector<std::pair<std::string, Eigen::Index>>& biases) {
    Random random(0x16);
    LlamaOptions options;
    options.configure = [&](json& values) { values[key] = value; };
    options.edit = [&](TinyTensors& tensors) {
        for (const std::string layer : {"0", "1"}) {
            for (const auto& [name, size] : biases) {
                tensors.vectors["model.layers." + layer + "." + name] = Vector::Ones(size);
            }
        }
    };
    return tiny_llama(random, options);
}

Error llama_error(const std::string& key,
                  const json& value,
                  const std::vector<std::pair<std::string, Eigen::Index>>& biases) {
    const TinyModel model = llama_with(key, value, biases);
    return error_of([&] { return architecture_of(*model.checkpoint, model.configuration); });
}

}  // namespace

TEST_CASE("a pattern to ignore matches numbers and any text, and no more") {
    using lipcert::matches;
    CHECK(matches("h.{i}.bias", "h.12.bias"));
    CHECK_FALSE(matches("h.{i}.bias", "h..bias"));
    CHECK_FALSE(matches("h.{i}.bias", "h.1x.bias"));
    CHECK_FALSE(matches("h.{i}.bias", "h.1.bias2"));
    CHECK(matches("*.inv_freq", "a.b.inv_freq"));
    CHECK(matches("*a*", "bab"));
    CHECK_FALSE(matches("*.inv_freq", "a.inv_freq.weight"));
    CHECK_FALSE(matches("h", ""));
}

TEST_CASE("the masks of a GPT-2 are ignored, and listed") {
    Random random(6);
    const TinyModel model = tiny_gpt2(random);
    const std::string attention = "transformer.h.1.attn.";
    using Names = std::vector<std::string>;
    CHECK(ignored_with(model, attention + "bias", {1, 1, 16, 16}) == Names{attention + "bias"});
    CHECK(ignored_with(model, attention + "masked_bias", {}) == Names{attention + "masked_bias"});
    const TinyModel nanogpt = tiny_nanogpt(random);
    CHECK(ignored_with(nanogpt, attention + "bias", {1, 1, 16, 16}) == Names{attention + "bias"});
}

TEST_CASE("a weight with the name of a mask is not ignored") {
    Random random(6);
    const TinyModel gpt2 = tiny_gpt2(random);
    const TinyModel nanogpt = tiny_nanogpt(random);
    const std::string mask = "transformer.h.0.attn.bias";
    for (const TinyModel* model : {&gpt2, &nanogpt}) {
        // The width, the width of a fused bias, a matrix, a mask of another length or rank.
        for (const Shape& shape :
             {Shape{8}, Shape{24}, Shape{8, 8}, Shape{16, 16}, Shape{1, 1, 8, 8}, Shape{}}) {
            CAPTURE(shape.size());
            const Error error = error_with(*model, mask, shape);
            CHECK(error.kind() == ErrorKind::architecture);
            CHECK(says(error, mask));
            CHECK(says(error, "under this name only 1 x 1 x 16 x 16 is ignored"));
        }
    }
    CHECK(
        says(error_with(gpt2, "transformer.h.0.attn.masked_bias", {8}), "only scalar is ignored"));
}

TEST_CASE("the rotary tables of a Llama are ignored where they have the size of such a table") {
    Random random(6);
    const TinyModel model = tiny_llama(random);
    for (const std::string name :
         {"model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"}) {
        CHECK(ignored_with(model, name, {2}) == std::vector<std::string>{name});
        CHECK(says(error_with(model, name, {8}), "under this name only 2 is ignored"));
        CHECK(says(error_with(model, name, {2, 2}), "under this name only 2 is ignored"));
    }
}

TEST_CASE("no built-in family ignores a tensor by its name alone") {
    std::size_t entries = 0;
    for (const lipcert::FamilyDescription& family : lipcert::built_in_families()) {
        for (const json& entry : family.document.value("ignore", json::array())) {
            CAPTURE(family.name);
            CAPTURE(entry.dump());
            CHECK(entry.is_object());
            ++entries;
        }
    }
    CHECK(entries >= 20);
}

TEST_CASE("what a description ignores: a name of any shape, or several shapes under one name") {
    Random random(6);
    const TinyModel model = tiny_gpt2(random);
    const std::string name = "transformer.h.0.attn.rel";
    const WithTensor checkpoint(*model.checkpoint, float_tensor(name, {4, 3}));
    const auto ignored = [&](const std::vector<json>& entries) {
        return gpt2_ignoring(entries, checkpoint, model).ignored.size();
    };
    const auto shaped = [](const json& shape) {
        return json{{"tensor", "*.attn.rel"}, {"shape", shape}};
    };
    CHECK(ignored({"{prefix}h.{i}.attn.rel"}) == 1);
    CHECK(ignored({shaped({4, 3})}) == 1);
    CHECK(ignored({shaped({"heads*2", "heads+1"})}) == 1);
    CHECK(ignored({shaped({9}), shaped({"head_dim", 3})}) == 1);
    const auto refusal = [&](const std::vector<json>& entries) {
        return error_of([&] { return ignored(entries); });
    };
    CHECK(says(refusal({shaped({3, 4})}), "only 3 x 4 is ignored"));
    CHECK(says(refusal({shaped({9}), shaped({3, "P"})}), "only 9 or 3 x 16 is ignored"));
    CHECK(says(refusal({shaped({4, 3, 1})}), "has no place"));
    CHECK(says(refusal({shaped({"4/3", 3})}), "not a whole number"));
    CHECK(says(refusal({shaped({"nobody", 3})}), "the name of no parameter"));
    CHECK(says(refusal({shaped("4 x 3")}), "a list"));
    CHECK(says(refusal({{{"tensor", "*.attn.rel"}}}), "the key \"shape\" is missing"));
    CHECK(says(refusal({{{"shape", {1}}}}), "the key \"tensor\" is missing"));
    CHECK(says(refusal({{{"tensor", "*"}, {"shape", {1}}}}), "would ignore everything"));
}

TEST_CASE("integer tensors that could be quantised weights stop certification; counters do not") {
    Random random(0x14);
    const TinyModel model = tiny_llama(random, {});
    const WithTensor left_over(*model.checkpoint, integer_tensor("packed", {8, 8}));
    const Error error = error_of([&] { return architecture_of(left_over, model.configuration); });
    CHECK(says(error, "packed (8 x 8, int8)"));
    const WithTensor counter(*model.checkpoint, integer_tensor("step", {}));
    CHECK(architecture_of(counter, model.configuration).ignored.front() == "step");
    const WithTensor placed(*model.checkpoint,
                            integer_tensor("model.layers.1.mlp.up_proj.weight", {12, 8}));
    const Error quantised = error_of([&] { return architecture_of(placed, model.configuration); });
    CHECK(quantised.kind() == ErrorKind::input);
    CHECK(says(quantised, "stored as int8"));
    CHECK(quantised.where().find("layers.1.mlp.up_proj") != std::string::npos);
}

TEST_CASE("a bias that one layer has and another has not is refused") {
    Random random(0x11);
    LlamaOptions options;
    options.edit = [](TinyTensors& tensors) {
        tensors.vectors["model.layers.1.self_attn.q_proj.bias"] = Vector::Ones(8);
    };
    options.configure = [](json& values) { values.erase("attention_bias"); };
    const TinyModel model = tiny_llama(random, options);
    const Error error =
        error_of([&] { return architecture_of(*model.checkpoint, model.configuration); });
    CHECK(says(error, "in all layers or in none"));
}

TEST_CASE("biases that the configuration announces must be in the file") {
    const Error attention = llama_error("attention_bias", true, {});
    CHECK(attention.kind() == ErrorKind::architecture);
    CHECK(says(attention, "there is no tensor model.layers.0.self_attn.q_proj.bias"));
    CHECK(says(attention, "attention_bias = true (config.json: attention_bias)"));
    CHECK(attention.where().find("q_proj.bias") != std::string::npos);
    const std::vector<std::pair<std::string, Eigen::Index>> all_but_output = {
        {"self_attn.q_proj.bias", 8}, {"self_attn.k_proj.bias", 4}, {"self_attn.v_proj.bias", 4}};
    CHECK(says(llama_error("attention_bias", true, all_but_output),
               "no tensor model.layers.0.self_attn.o_proj.bias"));
    const Error mlp = llama_error("mlp_bias", true, {});
    CHECK(mlp.kind() == ErrorKind::architecture);
    CHECK(says(mlp, "no tensor model.layers.0.mlp.gate_proj.bias"));
    CHECK(
        says(llama_error("mlp_bias", true, {{"mlp.gate_proj.bias", 12}, {"mlp.up_proj.bias", 12}}),
             "no tensor model.layers.0.mlp.down_proj.bias"));
    CHECK(says(llama_error("mlp_bias", "yes", {}), "true or false"));
    Random random(0x17);
    NanoGptOptions options;
    options.biases = false;
    options.configure = [](json& values) { values["bias"] = true; };
    const TinyModel nanogpt = tiny_nanogpt(random, options);
    CHECK(
        says(error_of([&] { return architecture_of(*nanogpt.checkpoint, nanogpt.configuration); }),
             "no tensor transformer.h.0.ln_1.bias"));
}

TEST_CASE("biases that the configuration denies must not be in the file") {
    const Error error = llama_error("mlp_bias", false, {{"mlp.down_proj.bias", 8}});
    CHECK(error.kind() == ErrorKind::architecture);
    CHECK(says(error, "there is a tensor model.layers.0.mlp.down_proj.bias"));
    CHECK(says(error, "mlp_bias = false (config.json: mlp_bias)"));
    CHECK(says(llama_error("attention_bias", false, {{"self_attn.v_proj.bias", 4}}),
               "attention_bias = false"));
}

TEST_CASE("biases as the configuration says, and those of which it says nothing, are accepted") {
    const std::vector<std::pair<std::string, Eigen::Index>> all = {{"self_attn.q_proj.bias", 8},
                                                                   {"self_attn.k_proj.bias", 4},
                                                                   {"self_attn.v_proj.bias", 4},
                                                                   {"self_attn.o_proj.bias", 8}};
    const std::vector<std::pair<std::string, Eigen::Index>> none;
    for (const auto& stated : {std::pair(json(true), all),
                               std::pair(json(false), none),
                               std::pair(json(), all),
                               std::pair(json(), none)}) {
        const auto& [value, biases] = stated;
        CAPTURE(stated.first.dump());
        const TinyModel model = llama_with("attention_bias", value, biases);
        const Architecture graph = architecture_of(*model.checkpoint, model.configuration);
        const auto& residual = std::get<lipcert::Residual>(graph.layers[1].modules[0].kind);
        const auto& attention = std::get<lipcert::Attention>(residual.body.back().kind);
        CHECK(attention.output.bias.empty() == biases.empty());
    }
}
