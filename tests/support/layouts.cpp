#include "support/layouts.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "support/hdf5_writer.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"

namespace lipcert::test {

namespace {

using std::filesystem::path;

hid_t type_in_file(DataType type) {
    switch (type) {
        case DataType::float32:
            return H5T_IEEE_F32LE;
        case DataType::float64:
            return H5T_IEEE_F64LE;
        default:
            throw std::logic_error("these models have no other type");
    }
}

/// HDF5 with this character where names have dots, for the tensors that are `wanted`.
path write_hdf5(const Checkpoint& model,
                const path& file,
                char separator,
                Storage storage = {},
                const std::function<bool(const TensorInfo&)>& wanted = {}) {
    Hdf5Writer writer(file);
    for (const TensorInfo& tensor : model.tensors()) {
        if (wanted && !wanted(tensor)) {
            continue;
        }
        std::string name = tensor.name;
        std::replace(name.begin(), name.end(), '.', separator);
        const Matrix values = model.read(tensor);
        const std::vector<hsize_t> shape(tensor.shape.begin(), tensor.shape.end());
        if (storage.gzip) {
            storage.chunks = shape;
        }
        writer.add(name,
                   shape,
                   {values.data(), values.data() + values.size()},
                   type_in_file(tensor.type),
                   storage);
    }
    return file;
}

path write_index(const Checkpoint& model, const path& file, const std::string shards[2]) {
    nlohmann::json map;
    std::size_t next = 0;
    for (const TensorInfo& tensor : model.tensors()) {
        map[tensor.name] = shards[next++ % 2];
    }
    return write_file(file, nlohmann::json{{"weight_map", map}}.dump());
}

/// Every second tensor.
std::function<bool(const TensorInfo&)> alternating(bool first) {
    return [next = first](const TensorInfo&) mutable { return std::exchange(next, !next); };
}

path write_sharded_safetensors(const Checkpoint& model, const path& folder) {
    const std::string shards[2] = {"even.safetensors", "odd.safetensors"};
    write_file(folder / shards[0],
               safetensors_bytes(tensors_of(model, std::nullopt, alternating(true))));
    write_file(folder / shards[1],
               safetensors_bytes(tensors_of(model, std::nullopt, alternating(false))));
    write_index(model, folder / "model.safetensors.index.json", shards);
    return folder;
}

path write_sharded_hdf5(const Checkpoint& model, const path& folder) {
    const std::string shards[2] = {"even.h5", "odd.h5"};
    write_hdf5(model, folder / shards[0], '.', {}, alternating(true));
    write_hdf5(model, folder / shards[1], '/', {}, alternating(false));
    return write_index(model, folder / "model.h5.index.json", shards);
}

bool has(const std::string& name, const char* part) {
    return name.find(part) != std::string::npos;
}

/// The name that Keras 2 gives a tensor of GPT-2, OPT, T5 or an encoder of Hugging Face, without
/// group and scope.
std::string tensorflow_name(const std::string& name, bool is_gpt2) {
    const std::size_t last = name.rfind('.');
    std::string path = name.substr(0, last);
    const bool is_norm = has(path, "ln_") || has(path, "LayerNorm") || has(path, "layer_norm");
    const bool is_table = path == "shared" || path.ends_with("wpe") || path.ends_with("wte") ||
                          path.ends_with("relative_attention_bias") || has(path, "embeddings.") ||
                          has(path, "embed_");
    std::string leaf = name.substr(last + 1);
    if (is_norm) {
        leaf = leaf == "weight" ? "gamma" : "beta";
    } else if (is_table) {
        leaf = has(path, "word_") || has(path, "wte") ? "weight" : "embeddings";
    } else if (leaf == "weight" && !is_gpt2) {
        leaf = "kernel";
    }
    if (path.starts_with("cls.")) {
        path = "mlm___" + path;
    }
    // A number and its list are one part of the path: "h_._0", in OPT "layers.0".
    std::string result;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const bool numbers = path[i] == '.' && i + 1 < path.size() &&
                             std::isdigit(static_cast<unsigned char>(path[i + 1])) != 0;
        if (numbers) {
            result += result.ends_with("layers") ? "." : "_._";
        } else {
            result += path[i] == '.' ? '/' : path[i];
        }
    }
    return result + "/" + leaf + ":0";
}

/// Whether TensorFlow had a class for such a model whose layers are linear maps.
bool has_tensorflow_class(const Checkpoint& model) {
    return std::any_of(
        model.tensors().begin(), model.tensors().end(), [](const TensorInfo& tensor) {
            return tensor.name.starts_with("bert.encoder.") ||
                   tensor.name.starts_with("roberta.encoder.") ||
                   tensor.name.starts_with("distilbert.transformer.") ||
                   tensor.name.starts_with("model.decoder.layers.") ||
                   tensor.name.starts_with("encoder.block.") ||
                   (tensor.name == "transformer.h.0.attn.c_attn.weight" &&
                    tensor.shape[0] < tensor.shape[1]);
        });
}

/// The datasets of the tensors that are `wanted`, each name behind `front(name)`.
void write_tensorflow_file(const Checkpoint& model,
                           const path& file,
                           const std::function<std::string(const std::string&)>& front,
                           const std::function<bool(const TensorInfo&)>& wanted) {
    const bool is_gpt2 = model.find("transformer.wte.weight") != nullptr;
    Hdf5Writer writer(file);
    for (const TensorInfo& tensor : model.tensors()) {
        if (!wanted(tensor)) {
            continue;
        }
        const std::string name = tensorflow_name(tensor.name, is_gpt2);
        const bool is_kernel = name.ends_with("kernel:0");
        const Matrix stored = model.read(tensor);
        const Matrix values = is_kernel ? Matrix(stored.transpose()) : stored;
        std::vector<hsize_t> shape(tensor.shape.begin(), tensor.shape.end());
        if (is_kernel) {
            std::reverse(shape.begin(), shape.end());
        } else if (is_gpt2 && name.ends_with("bias:0")) {
            shape.insert(shape.begin(), 1);
        }
        writer.add(front(name) + name,
                   shape,
                   {values.data(), values.data() + values.size()},
                   type_in_file(tensor.type));
    }
}

path write_tensorflow(const Checkpoint& model, const path& folder) {
    if (!has_tensorflow_class(model)) {
        return {};
    }
    const auto group_and_scope = [](const std::string& name) {
        return name.substr(0, name.find('/')) + "/tf_model/";
    };
    write_tensorflow_file(
        model, folder / "tf_model.h5", group_and_scope, [](const TensorInfo&) { return true; });
    return folder / "tf_model.h5";
}

path write_tensorflow_shards(const Checkpoint& model, const path& folder) {
    if (!has_tensorflow_class(model)) {
        return {};
    }
    const std::string shards[2] = {"tf_model-00001-of-00002.h5", "tf_model-00002-of-00002.h5"};
    const auto nothing = [](const std::string&) { return std::string(); };
    write_tensorflow_file(model, folder / shards[0], nothing, alternating(true));
    write_tensorflow_file(model, folder / shards[1], nothing, alternating(false));
    nlohmann::json map;
    std::size_t next = 0;
    for (const TensorInfo& tensor : model.tensors()) {
        const bool is_gpt2 = model.find("transformer.wte.weight") != nullptr;
        map["tf_model/" + tensorflow_name(tensor.name, is_gpt2)] = shards[next++ % 2];
    }
    const nlohmann::json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
    return write_file(folder / "tf_model.h5.index.json", index.dump());
}

/// A stream of LZF that is literals alone: up to 32 behind one byte that counts them.
std::string lzf_literals(const std::string& bytes) {
    constexpr std::size_t kRun = 32;
    std::string packed;
    for (std::size_t at = 0; at < bytes.size(); at += kRun) {
        const std::string run = bytes.substr(at, kRun);
        packed += static_cast<char>(run.size() - 1);
        packed += run;
    }
    return packed;
}

path write_lzf(const Checkpoint& model, const path& folder) {
    const path file = folder / "model.h5";
    Hdf5Writer writer(file);
    for (const TensorInfo& tensor : model.tensors()) {
        const Matrix values = model.read(tensor);
        const std::vector<hsize_t> shape(tensor.shape.begin(), tensor.shape.end());
        Storage storage = Storage::chunked(shape);
        storage.optional_filters = {32000};
        writer.add(tensor.name,
                   shape,
                   {values.data(), values.data() + values.size()},
                   type_in_file(tensor.type),
                   storage);
        std::string bytes(reinterpret_cast<const char*>(values.data()),
                          static_cast<std::size_t>(values.size()) * sizeof(double));
        if (tensor.type == DataType::float32) {
            const auto singles = values.cast<float>().eval();
            bytes.assign(reinterpret_cast<const char*>(singles.data()),
                         static_cast<std::size_t>(singles.size()) * sizeof(float));
        }
        const std::string packed = lzf_literals(bytes);
        writer.overwrite_chunk(tensor.name, 0, packed.data(), packed.size());
    }
    return file;
}

path write_filtered(const Checkpoint& model, const path& folder) {
    Storage storage;
    storage.shuffle = storage.gzip = storage.fletcher32 = true;
    return write_hdf5(model, folder / "model.h5", '.', storage);
}

}  // namespace

std::vector<Layout> lossless_layouts() {
    const auto flat = [](const Checkpoint& model, const path& folder) {
        return write_hdf5(model, folder / "model.h5", '.');
    };
    const auto nested = [](const Checkpoint& model, const path& folder) {
        return write_hdf5(model, folder / "model.h5", '/');
    };
    const auto safetensors = [](const Checkpoint& model, const path& folder) {
        return write_file(folder / "model.safetensors", safetensors_bytes(tensors_of(model)));
    };
    return {{"HDF5", flat},
            {"HDF5, groups for dots", nested},
            {"HDF5, gzip", write_filtered},
            {"HDF5, lzf", write_lzf},
            {"HDF5 shards", write_sharded_hdf5},
            {"safetensors", safetensors},
            {"safetensors shards", write_sharded_safetensors},
            {"tf_model.h5", write_tensorflow},
            {"tf_model.h5 shards", write_tensorflow_shards}};
}

}  // namespace lipcert::test
