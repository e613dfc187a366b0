#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/keras_names.hpp"
#include "support/hdf5_writer.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::Checkpoint;
using lipcert::keras_name;
using lipcert::Matrix;
using lipcert::test::Hdf5Writer;
using lipcert::test::Outcome;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;
using std::filesystem::path;

namespace {

/// Writes tensors of a PyTorch model as KerasHub stores them.
class KerasWriter {
public:
    KerasWriter(const Checkpoint& model, const path& file) : model_(model), writer_(file) {}

    /// As it is: embeddings, gains, biases, and what is [in, out] already.
    void copy(const std::string& from, const std::string& to) {
        const Matrix values = read(from);
        const auto& stored = model_.find(from)->shape;
        add(to, {stored.begin(), stored.end()}, values);
    }

    /// An [out, in] weight as a kernel [in, out].
    void kernel(const std::string& from, const std::string& to) {
        const Matrix values = read(from).transpose();
        add(to, {extent(values.rows()), extent(values.cols())}, values);
    }

    /// An [in, out] matrix as (in, heads, head width).
    void split_outputs(const Matrix& values, Eigen::Index heads, const std::string& to) {
        add(to, {extent(values.rows()), extent(heads), extent(values.cols() / heads)}, values);
    }

    /// An [in, out] matrix as (heads, head width, out).
    void split_inputs(const Matrix& values, Eigen::Index heads, const std::string& to) {
        add(to, {extent(heads), extent(values.rows() / heads), extent(values.cols())}, values);
    }

    void add(const std::string& name, const std::vector<hsize_t>& shape, const Matrix& values) {
        writer_.add(name, shape, {values.data(), values.data() + values.size()}, H5T_IEEE_F64LE);
    }

    [[nodiscard]] Matrix read(const std::string& name) const {
        return model_.read(*model_.find(name));
    }

private:
    static hsize_t extent(Eigen::Index size) { return static_cast<hsize_t>(size); }

    const Checkpoint& model_;
    Hdf5Writer writer_;
};

json settings_of(const Checkpoint& model) {
    return lipcert::find_configuration(model, std::nullopt).values;
}

std::string numbered(const std::string& name, int layer) {
    return layer == 0 ? name : name + "_" + std::to_string(layer);
}

/// What a certificate says of the whole network.
json bounds_of(const path& model) {
    const Outcome outcome = run({"certify", model.string(), "--json", "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out).at("bounds");
}

}  // namespace

TEST_CASE("names of Keras get layer numbers and lose leading underscores") {
    CHECK(keras_name("layers.decoder._attention._query_dense.vars.0") ==
          "layers.decoder.0.attention.query_dense.vars.0");
    CHECK(keras_name("layers.decoder_10.norm.vars.1") == "layers.decoder.10.norm.vars.1");
    CHECK(keras_name("layers.b_1.layers.c.vars.0") == "layers.b.1.layers.c.0.vars.0");
    CHECK(keras_name("vars.0") == "vars.0");
    CHECK(keras_name("optimizer.vars.12") == "optimizer.vars.12");
    CHECK(keras_name("layers._3.vars.0") == "layers.3.0.vars.0");
}

TEST_CASE("a Llama as KerasHub stores it has the bounds of the same Llama from PyTorch") {
    const auto model = lipcert::open_checkpoint(sample_model("tiny_llama.h5"));
    const json settings = settings_of(*model);
    const int layers = settings.at("num_hidden_layers");
    const Eigen::Index heads = settings.at("num_attention_heads").get<long>();
    const Eigen::Index kv_heads = settings.value("num_key_value_heads", heads);
    for (const std::string front : {"layers/", "layers/llama_backbone/layers/"}) {
        const TemporaryFolder folder;
        {
            KerasWriter keras(*model, folder / "model.weights.h5");
            keras.copy("model.embed_tokens.weight", front + "reversible_embedding/vars/0");
            keras.copy("model.norm.weight", front + "llama_layer_norm/vars/0");
            if (model->find("lm_head.weight") != nullptr) {
                keras.kernel("lm_head.weight", front + "reversible_embedding/vars/1");
            }
            for (int i = 0; i < layers; ++i) {
                const std::string from = "model.layers." + std::to_string(i) + ".";
                const std::string to = front + numbered("llama_transformer_decoder", i) + "/";
                const std::string attention = to + "_self_attention_layer/";
                const auto turned = [&](const std::string& name) {
                    return Matrix(keras.read(from + "self_attn." + name + ".weight").transpose());
                };
                keras.split_outputs(turned("q_proj"), heads, attention + "_query_dense/vars/0");
                keras.split_outputs(turned("k_proj"), kv_heads, attention + "_key_dense/vars/0");
                keras.split_outputs(turned("v_proj"), kv_heads, attention + "_value_dense/vars/0");
                keras.split_inputs(turned("o_proj"), heads, attention + "_output_dense/vars/0");
                keras.kernel(from + "mlp.gate_proj.weight", to + "_feedforward_gate_dense/vars/0");
                keras.kernel(from + "mlp.up_proj.weight",
                             to + "_feedforward_intermediate_dense/vars/0");
                keras.kernel(from + "mlp.down_proj.weight",
                             to + "_feedforward_output_dense/vars/0");
                keras.copy(from + "input_layernorm.weight",
                           to + "_self_attention_layernorm/vars/0");
                keras.copy(from + "post_attention_layernorm.weight",
                           to + "_feedforward_layernorm/vars/0");
            }
            keras.add("optimizer/vars/0", {2, 2}, Matrix::Ones(2, 2));
        }
        const json inner = {{"num_layers", layers},
                            {"num_query_heads", heads},
                            {"num_key_value_heads", kv_heads},
                            {"layer_norm_epsilon", settings.at("rms_norm_eps")}};
        write_file(folder / "config.json",
                   json{{"class_name", "LlamaBackbone"}, {"config", inner}}.dump());
        CHECK(bounds_of(folder.path()) == bounds_of(sample_model("tiny_llama.h5")));
    }
}

TEST_CASE("a GPT-2 as KerasHub stores it has the bounds of the same GPT-2 from PyTorch") {
    const auto model = lipcert::open_checkpoint(sample_model("tiny_gpt2.h5"));
    json settings = settings_of(*model);
    // What the class of KerasHub fixes.
    settings["layer_norm_epsilon"] = 1e-5;
    settings["activation_function"] = "gelu_new";
    const int layers = settings.at("n_layer");
    const Eigen::Index heads = settings.at("n_head").get<long>();
    const Eigen::Index width = model->read(*model->find("transformer.wte.weight")).cols();
    const TemporaryFolder folder;
    {
        KerasWriter keras(*model, folder / "model.weights.h5");
        const auto both = [&](const std::string& from, const std::string& to) {
            keras.copy(from + ".weight", to + "/vars/0");
            keras.copy(from + ".bias", to + "/vars/1");
        };
        keras.copy("transformer.wte.weight", "layers/reversible_embedding/vars/0");
        keras.copy("transformer.wpe.weight", "layers/position_embedding/vars/0");
        both("transformer.ln_f", "layers/layer_normalization");
        for (int i = 0; i < layers; ++i) {
            const std::string from = "transformer.h." + std::to_string(i) + ".";
            const std::string to = "layers/" + numbered("transformer_decoder", i) + "/";
            const std::string attention = to + "_self_attention_layer/";
            both(from + "ln_1", to + "_self_attention_layer_norm");
            both(from + "ln_2", to + "_feedforward_layer_norm");
            both(from + "mlp.c_fc", to + "_feedforward_intermediate_dense");
            both(from + "mlp.c_proj", to + "_feedforward_output_dense");
            const Matrix weight = keras.read(from + "attn.c_attn.weight");
            const Matrix bias = keras.read(from + "attn.c_attn.bias");
            Eigen::Index begin = 0;
            for (const char* part : {"query_dense", "key_dense", "value_dense"}) {
                keras.split_outputs(
                    weight.middleCols(begin, width), heads, attention + part + "/vars/0");
                keras.add(attention + part + "/vars/1",
                          {static_cast<hsize_t>(heads), static_cast<hsize_t>(width / heads)},
                          bias.middleRows(begin, width));
                begin += width;
            }
            keras.split_inputs(
                keras.read(from + "attn.c_proj.weight"), heads, attention + "output_dense/vars/0");
            keras.copy(from + "attn.c_proj.bias", attention + "output_dense/vars/1");
        }
    }
    const json inner = {{"num_layers", layers}, {"num_heads", heads}};
    write_file(folder / "config.json",
               json{{"class_name", "GPT2Backbone"}, {"config", inner}}.dump());
    // Its head is the table of embeddings; that of the sample is not.
    settings["tie_word_embeddings"] = true;
    {
        KerasWriter tied(*model, folder / "tied.h5");
        for (const lipcert::TensorInfo& tensor : model->tensors()) {
            if (tensor.name != "lm_head.weight") {
                tied.copy(tensor.name, tensor.name);
            }
        }
    }
    const path other = write_file(folder / "hf.json", settings.dump());
    const Outcome expected =
        run({"certify", (folder / "tied.h5").string(), "--config", other.string(), "--json", "-"});
    REQUIRE(expected.exit_code == 0);
    CHECK(bounds_of(folder / "model.weights.h5") == json::parse(expected.out).at("bounds"));
}

TEST_CASE("a Keras model whose class is not described is not certified") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "model.weights.h5")
        .add("layers/gemma_decoder_block/attention/query_dense/vars/0",
             {2, 3, 4},
             std::vector<double>(24, 1.0))
        .add("layers/dense/vars/0", {2, 2}, {1, 2, 3, 4});
    const auto checkpoint = lipcert::open_checkpoint(folder.path());
    CHECK(checkpoint->format() == "keras weights.h5");
    CHECK(checkpoint->find("layers.gemma_decoder_block.0.attention.query_dense.vars.0")->shape ==
          std::vector<std::size_t>{2, 3, 4});
    CHECK(run({"certify", folder.path().string()}).exit_code == 3);
}
