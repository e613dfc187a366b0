#include "checkpoint/tensorflow_names.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "checkpoint/renamed_checkpoint.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::string_view kVersion = ":0";

/// What stands behind group and scope; empty where the name is not of that form.
std::string_view behind_scope(std::string_view name) {
    const std::size_t group = name.find('.');
    const std::size_t scope = group == std::string_view::npos ? group : name.find('.', group + 1);
    if (scope == std::string_view::npos || !name.ends_with(kVersion) ||
        !name.substr(group + 1).starts_with("tf")) {
        return {};
    }
    return name.substr(scope + 1, name.size() - scope - 1 - kVersion.size());
}

/// The variable's name: what stands behind group and scope, in shards the whole.
std::string_view variable_name(std::string_view name) {
    const std::string_view behind = behind_scope(name);
    return behind.empty() ? name.substr(0, name.size() - kVersion.size()) : behind;
}

void replace_all(std::string& text, std::string_view old, std::string_view by) {
    for (std::size_t at = text.find(old); at != std::string::npos; at = text.find(old, at)) {
        text.replace(at, old.size(), by);
    }
}

/// "mlm___cls.predictions.bias" is cls.predictions.bias to PyTorch: what stands before ___ in a
/// part of the name is TensorFlow's own. The last part is the variable.
std::string without_own_words(const std::string& name) {
    constexpr std::string_view kMark = "___";
    std::string result;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
        const std::string part = name.substr(begin, dot - begin);
        const std::size_t mark = part.rfind(kMark);
        result += (mark == std::string::npos ? part : part.substr(mark + kMark.size())) + ".";
        begin = dot + 1;
    }
    return result + name.substr(begin);
}

bool is_attention_input(std::string_view name) {
    return name.find("attention") != std::string_view::npos &&
           (name.ends_with(".query.") || name.ends_with(".key.") || name.ends_with(".value."));
}

std::size_t product(const std::vector<std::size_t>& shape, std::size_t from) {
    std::size_t result = 1;
    for (std::size_t i = from; i < shape.size(); ++i) {
        result *= shape[i];
    }
    return result;
}

/// PyTorch's word for the last part of a name.
std::string leaf_in_pytorch(const std::string& leaf) {
    if (leaf == "kernel" || leaf == "gamma" || leaf == "embeddings") {
        return "weight";
    }
    return leaf == "beta" ? "bias" : leaf;
}

/// The tensor as PyTorch would hold it; `path` goes into messages.
RenamedTensor as_in_pytorch(const TensorInfo& stored, const std::string& path) {
    std::string name = without_own_words(std::string(variable_name(stored.name)));
    replace_all(name, "_._", ".");
    const std::size_t dot = name.rfind('.');
    const std::string front = dot == std::string::npos ? "" : name.substr(0, dot + 1);
    const std::string leaf = name.substr(front.size());
    RenamedTensor result{stored, leaf == "kernel"};
    result.info.name = front + leaf_in_pytorch(leaf);
    std::vector<std::size_t>& shape = result.info.shape;
    if (leaf == "bias" && !shape.empty()) {
        shape = {product(shape, 0)};
    }
    if (!result.turned) {
        return result;
    }
    const bool has_heads = shape.size() == 3 && is_attention_input(front);
    if (shape.size() != 2 && !has_heads) {
        throw Error(ErrorKind::input,
                    path + ": " + printable_quote(stored.name),
                    fmt::format("is a kernel of shape {}: only kernels of linear maps are read",
                                shape_text(stored)));
    }
    shape = {product(shape, 1), shape[0]};
    return result;
}

}  // namespace

bool has_tensorflow_names(const Checkpoint& checkpoint) {
    const std::vector<TensorInfo>& tensors = checkpoint.tensors();
    return !tensors.empty() &&
           std::all_of(tensors.begin(), tensors.end(), [](const TensorInfo& tensor) {
               return !behind_scope(tensor.name).empty();
           });
}

bool has_tensorflow_shard_names(const Checkpoint& checkpoint) {
    const std::vector<TensorInfo>& tensors = checkpoint.tensors();
    return !tensors.empty() &&
           std::all_of(tensors.begin(), tensors.end(), [](const TensorInfo& tensor) {
               return tensor.name.ends_with(kVersion);
           });
}

std::unique_ptr<Checkpoint> with_tensorflow_names(std::unique_ptr<Checkpoint> below) {
    Renaming renaming;
    renaming.format = below->format() == "hdf5" ? "tf_model.h5" : "tf_model.h5 shards";
    renaming.twin_reason = "once groups and scopes are left out";
    renaming.show = [path = below->path()](const TensorInfo& stored) {
        return as_in_pytorch(stored, path);
    };
    return std::make_unique<RenamedCheckpoint>(std::move(below), renaming);
}

}  // namespace lipcert
