#include "support/keras_models.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>
#include <zip.h>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"

namespace lipcert::test {

namespace {

using nlohmann::json;
using std::filesystem::path;

hsize_t extent(Eigen::Index size) {
    return static_cast<hsize_t>(size);
}

/// Writes tensors of a PyTorch model as KerasHub stores them.
class KerasWriter {
public:
    KerasWriter(const Checkpoint& model, const path& file) : model_(model), writer_(file) {}

    /// As it is: embeddings, gains, biases, and what is [in, out] already.
    void copy(const std::string& from, const std::string& to) {
        const auto& stored = model_.find(from)->shape;
        add(to, {stored.begin(), stored.end()}, read(from));
    }

    /// A weight and its bias.
    void both(const std::string& from, const std::string& to) {
        copy(from + ".weight", to + "/vars/0");
        copy(from + ".bias", to + "/vars/1");
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
    const Checkpoint& model_;
    Hdf5Writer writer_;
};

/// "decoder", "decoder_1", ...
std::string numbered(const std::string& name, int layer) {
    return layer == 0 ? name : name + "_" + std::to_string(layer);
}

struct Heads {
    Eigen::Index query = 0;
    Eigen::Index key_value = 0;
};

void write_llama_layer(KerasWriter& keras,
                       const std::string& from,
                       const std::string& to,
                       const Heads& heads) {
    const std::string attention = to + "_self_attention_layer/";
    const auto turned = [&](const std::string& name) {
        return Matrix(keras.read(from + "self_attn." + name + ".weight").transpose());
    };
    keras.split_outputs(turned("q_proj"), heads.query, attention + "_query_dense/vars/0");
    keras.split_outputs(turned("k_proj"), heads.key_value, attention + "_key_dense/vars/0");
    keras.split_outputs(turned("v_proj"), heads.key_value, attention + "_value_dense/vars/0");
    keras.split_inputs(turned("o_proj"), heads.query, attention + "_output_dense/vars/0");
    keras.kernel(from + "mlp.gate_proj.weight", to + "_feedforward_gate_dense/vars/0");
    keras.kernel(from + "mlp.up_proj.weight", to + "_feedforward_intermediate_dense/vars/0");
    keras.kernel(from + "mlp.down_proj.weight", to + "_feedforward_output_dense/vars/0");
    keras.copy(from + "input_layernorm.weight", to + "_self_attention_layernorm/vars/0");
    keras.copy(from + "post_attention_layernorm.weight", to + "_feedforward_layernorm/vars/0");
}

void write_gpt2_layer(KerasWriter& keras,
                      const std::string& from,
                      const std::string& to,
                      Eigen::Index heads) {
    const std::string attention = to + "_self_attention_layer/";
    keras.both(from + "ln_1", to + "_self_attention_layer_norm");
    keras.both(from + "ln_2", to + "_feedforward_layer_norm");
    keras.both(from + "mlp.c_fc", to + "_feedforward_intermediate_dense");
    keras.both(from + "mlp.c_proj", to + "_feedforward_output_dense");
    const Matrix weight = keras.read(from + "attn.c_attn.weight");
    const Matrix bias = keras.read(from + "attn.c_attn.bias");
    const Eigen::Index width = weight.rows();
    Eigen::Index begin = 0;
    for (const char* part : {"query_dense", "key_dense", "value_dense"}) {
        keras.split_outputs(weight.middleCols(begin, width), heads, attention + part + "/vars/0");
        keras.add(attention + part + "/vars/1",
                  {extent(heads), extent(width / heads)},
                  bias.middleRows(begin, width));
        begin += width;
    }
    keras.split_inputs(
        keras.read(from + "attn.c_proj.weight"), heads, attention + "output_dense/vars/0");
    keras.copy(from + "attn.c_proj.bias", attention + "output_dense/vars/1");
}

}  // namespace

namespace {

/// The words by which the backbones of Llama and Mistral differ.
struct LlamaWords {
    std::string backbone, layer, last_norm;
};

json write_llama_kin(const Checkpoint& model,
                     const json& settings,
                     const path& file,
                     const std::string& front,
                     const LlamaWords& words) {
    const int layers = settings.at("num_hidden_layers");
    const Eigen::Index heads = settings.at("num_attention_heads").get<long>();
    const Eigen::Index kv_heads = settings.value("num_key_value_heads", heads);
    KerasWriter keras(model, file);
    keras.copy("model.embed_tokens.weight", front + "reversible_embedding/vars/0");
    keras.copy("model.norm.weight", front + words.last_norm + "/vars/0");
    const bool is_tied = model.find("lm_head.weight") == nullptr;
    if (!is_tied) {
        keras.kernel("lm_head.weight", front + "reversible_embedding/vars/1");
    }
    for (int i = 0; i < layers; ++i) {
        write_llama_layer(keras,
                          "model.layers." + std::to_string(i) + ".",
                          front + numbered(words.layer, i) + "/",
                          {heads, kv_heads});
    }
    keras.add("optimizer/vars/0", {2, 2}, Matrix::Ones(2, 2));
    return {{"class_name", words.backbone},
            {"config",
             {{"num_layers", layers},
              {"num_query_heads", heads},
              {"num_key_value_heads", kv_heads},
              {"layer_norm_epsilon", settings.at("rms_norm_eps")},
              {"tie_word_embeddings", is_tied}}}};
}

}  // namespace

json write_keras_llama(const Checkpoint& model,
                       const json& settings,
                       const path& file,
                       const std::string& front) {
    return write_llama_kin(model,
                           settings,
                           file,
                           front,
                           {"LlamaBackbone", "llama_transformer_decoder", "llama_layer_norm"});
}

json write_keras_mistral(const Checkpoint& model, const json& settings, const path& file) {
    return write_llama_kin(
        model,
        settings,
        file,
        "layers/",
        {"MistralBackbone", "mistral_transformer_decoder", "mistral_layer_normalization"});
}

json write_keras_gpt2(const Checkpoint& model, const json& settings, const path& file) {
    const int layers = settings.at("n_layer");
    const Eigen::Index heads = settings.at("n_head").get<long>();
    KerasWriter keras(model, file);
    keras.copy("transformer.wte.weight", "layers/reversible_embedding/vars/0");
    keras.copy("transformer.wpe.weight", "layers/position_embedding/vars/0");
    keras.both("transformer.ln_f", "layers/layer_normalization");
    for (int i = 0; i < layers; ++i) {
        write_gpt2_layer(keras,
                         "transformer.h." + std::to_string(i) + ".",
                         "layers/" + numbered("transformer_decoder", i) + "/",
                         heads);
    }
    return {{"class_name", "GPT2Backbone"},
            {"config", {{"num_layers", layers}, {"num_heads", heads}}}};
}

path write_keras_shards(const path& weights, const path& folder) {
    const auto stored = open_hdf5_file(weights);
    const std::string names[2] = {"model_00000.weights.h5", "model_00001.weights.h5"};
    json map = json::object();
    {
        Hdf5Writer first(folder / names[0]);
        Hdf5Writer second(folder / names[1]);
        std::size_t next = 0;
        for (const TensorInfo& tensor : stored->tensors()) {
            std::string name = tensor.name;
            std::replace(name.begin(), name.end(), '.', '/');
            const Matrix values = stored->read(tensor);
            const std::size_t shard = next++ % 2;
            (shard == 0 ? first : second)
                .add(name,
                     {tensor.shape.begin(), tensor.shape.end()},
                     {values.data(), values.data() + values.size()},
                     H5T_IEEE_F64LE);
            json& files = map["/" + name.substr(0, name.rfind('/'))];
            if (files.is_null()) {
                files = names[shard];
            } else {
                files = json::array({files, names[shard]});
            }
        }
    }
    return write_file(folder / "model.weights.json",
                      json{{"metadata", {{"total_size", 5408.0}}}, {"weight_map", map}}.dump());
}

path write_zip(const path& path,
               const std::vector<std::pair<std::string, std::string>>& members,
               bool deflated) {
    int code = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (archive == nullptr) {
        throw std::runtime_error("cannot make " + path.string());
    }
    for (const auto& [name, bytes] : members) {
        zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
        const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
        if (index < 0 || zip_set_file_compression(archive,
                                                  static_cast<zip_uint64_t>(index),
                                                  deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE,
                                                  0) != 0) {
            throw std::runtime_error("cannot add " + name);
        }
    }
    if (zip_close(archive) != 0) {
        throw std::runtime_error("cannot write " + path.string());
    }
    return path;
}

}  // namespace lipcert::test
