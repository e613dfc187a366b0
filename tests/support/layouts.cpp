#include "support/layouts.hpp"

#include <algorithm>
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

/// The name that Keras 2 gives a tensor of GPT-2 or of an encoder of Hugging Face.
std::string tensorflow_name(const std::string& name, bool is_gpt2) {
    const std::size_t top = name.find('.');
    const std::size_t last = name.rfind('.');
    std::string path = name.substr(0, last);
    const bool is_norm =
        path.find("ln_") != std::string::npos || path.find("LayerNorm") != std::string::npos;
    const bool is_table = path.find("embeddings.") != std::string::npos && !is_norm;
    std::string leaf = name.substr(last + 1);
    if (is_norm) {
        leaf = leaf == "weight" ? "gamma" : "beta";
    } else if (path.ends_with("wpe") || (is_table && !path.ends_with("word_embeddings"))) {
        leaf = "embeddings";
    } else if (leaf == "weight" && !is_gpt2 && !is_table) {
        leaf = "kernel";
    }
    for (const char* layers : {"h.", "layer."}) {
        const std::size_t at = path.find(std::string(".") + layers);
        if (at != std::string::npos) {
            path.replace(at + std::string(layers).size(), 1, "_._");
        }
    }
    // The layer number is one path element with its list: "h_._0".
    const std::string mark = "_._";
    std::string result;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const bool in_mark = i > 0 && path.compare(i - 1, mark.size(), mark) == 0;
        result += path[i] == '.' && !in_mark ? '/' : path[i];
    }
    return name.substr(0, top) + "/tf_model/" + result + "/" + leaf + ":0";
}

path write_tensorflow(const Checkpoint& model, const path& folder) {
    const bool is_gpt2 = model.find("transformer.h.0.attn.c_attn.weight") != nullptr &&
                         model.find("transformer.h.0.attn.c_attn.weight")->shape[0] <
                             model.find("transformer.h.0.attn.c_attn.weight")->shape[1];
    const bool is_bert = model.find("bert.embeddings.word_embeddings.weight") != nullptr;
    if (!is_gpt2 && !is_bert) {
        return {};
    }
    Hdf5Writer writer(folder / "tf_model.h5");
    for (const TensorInfo& tensor : model.tensors()) {
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
        writer.add(
            name, shape, {values.data(), values.data() + values.size()}, type_in_file(tensor.type));
    }
    return folder / "tf_model.h5";
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
            {"HDF5 shards", write_sharded_hdf5},
            {"safetensors", safetensors},
            {"safetensors shards", write_sharded_safetensors},
            {"tf_model.h5", write_tensorflow}};
}

}  // namespace lipcert::test
