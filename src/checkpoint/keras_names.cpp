#include "checkpoint/keras_names.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "checkpoint/renamed_checkpoint.hpp"

namespace lipcert {

namespace {

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char character) {
        return character >= '0' && character <= '9';
    });
}

std::vector<std::string> components_of(const std::string& name) {
    std::vector<std::string> components;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
        components.push_back(name.substr(begin, dot - begin));
        begin = dot + 1;
    }
    components.push_back(name.substr(begin));
    return components;
}

/// "decoder" as "decoder.0", "decoder_3" as "decoder.3".
std::string with_number(const std::string& member) {
    const std::size_t mark = member.rfind('_');
    if (mark != std::string::npos && mark > 0 &&
        is_number(std::string_view(member).substr(mark + 1))) {
        return member.substr(0, mark) + "." + member.substr(mark + 1);
    }
    return member + ".0";
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(), [text](std::string_view ending) {
        return text.ends_with(ending);
    });
}

bool is_query_key_or_value(std::string_view layer) {
    return ends_with_any(layer,
                         {"query_dense", "key_dense", "value_dense", ".query", ".key", ".value"});
}

/// The shape of a tensor of an attention with its heads joined; others keep theirs. Gemma keeps its
/// heads before the width, and no reshaping joins those.
std::vector<std::size_t> joined_heads(std::string_view layer,
                                      bool is_kernel,
                                      std::vector<std::size_t> shape) {
    if (layer.find("gemma") != std::string_view::npos) {
        return shape;
    }
    if (is_query_key_or_value(layer)) {
        if (is_kernel && shape.size() == 3) {
            return {shape[0], shape[1] * shape[2]};
        }
        if (!is_kernel && shape.size() == 2) {
            return {shape[0] * shape[1]};
        }
    }
    if (ends_with_any(layer, {"output_dense", "attention_output"}) && is_kernel &&
        shape.size() == 3) {
        return {shape[0] * shape[1], shape[2]};
    }
    return shape;
}

constexpr std::string_view kModelWeights = "model_weights.";
constexpr std::string_view kOptimizerWeights = "optimizer_weights.";
constexpr std::string_view kVersion = ":0";

/// "model_weights.dense_3.dense_3.kernel:0" as "dense.3.kernel".
std::string legacy_name(const std::string& stored) {
    if (stored.starts_with(kOptimizerWeights)) {
        return stored;
    }
    const std::size_t begin = stored.starts_with(kModelWeights) ? kModelWeights.size() : 0;
    const std::size_t end = stored.size() - (stored.ends_with(kVersion) ? kVersion.size() : 0);
    const std::vector<std::string> components = components_of(stored.substr(begin, end - begin));
    const bool repeats_layer = components.size() > 2 && components[0] == components[1];
    std::string name = with_number(components[0]);
    for (std::size_t i = repeats_layer ? 2 : 1; i < components.size(); ++i) {
        name += "." + components[i];
    }
    return name;
}

}  // namespace

std::string keras_name(const std::string& stored) {
    std::string name;
    bool in_layers = false;
    for (std::string component : components_of(stored)) {
        component.erase(0, component.find_first_not_of('_'));
        name += (name.empty() ? "" : ".") + (in_layers ? with_number(component) : component);
        in_layers = component == "layers";
    }
    return name;
}

bool has_keras_names(const Checkpoint& checkpoint) {
    const std::vector<TensorInfo>& tensors = checkpoint.tensors();
    return !tensors.empty() &&
           std::all_of(tensors.begin(), tensors.end(), [](const TensorInfo& tensor) {
               const std::string_view name = tensor.name;
               const std::size_t last = name.rfind('.');
               return last != std::string_view::npos && is_number(name.substr(last + 1)) &&
                      (name.substr(0, last) == "vars" || name.substr(0, last).ends_with(".vars"));
           });
}

std::unique_ptr<Checkpoint> with_keras_names(std::unique_ptr<Checkpoint> below) {
    Renaming renaming;
    const std::string format = below->format();
    renaming.format = format == "hdf5" ? "keras weights.h5" : format;
    renaming.twin_reason = "once layers are numbered";
    renaming.show = [](const TensorInfo& stored) {
        RenamedTensor tensor{stored, false};
        std::string& name = tensor.info.name;
        name = keras_name(stored.name);
        const std::string_view layer = std::string_view(name).substr(0, name.rfind(".vars."));
        tensor.info.shape = joined_heads(layer, name.ends_with(".vars.0"), stored.shape);
        return tensor;
    };
    return std::make_unique<RenamedCheckpoint>(std::move(below), renaming);
}

bool has_legacy_keras_names(const Checkpoint& checkpoint) {
    const std::vector<TensorInfo>& tensors = checkpoint.tensors();
    const auto all = [&tensors](const auto& is_such) {
        return std::all_of(tensors.begin(), tensors.end(), [&](const TensorInfo& tensor) {
            return is_such(std::string_view(tensor.name));
        });
    };
    return !tensors.empty() &&
           (all([](std::string_view name) {
                return name.starts_with(kModelWeights) || name.starts_with(kOptimizerWeights);
            }) ||
            all([](std::string_view name) { return name.ends_with(kVersion); }));
}

std::unique_ptr<Checkpoint> with_legacy_keras_names(std::unique_ptr<Checkpoint> below) {
    Renaming renaming;
    renaming.format = "keras h5";
    renaming.twin_reason = "once the groups of layers are left out";
    renaming.show = [](const TensorInfo& stored) {
        RenamedTensor tensor{stored, false};
        std::string& name = tensor.info.name;
        name = legacy_name(stored.name);
        const std::string_view layer = std::string_view(name).substr(0, name.rfind('.'));
        tensor.info.shape = joined_heads(layer, name.ends_with(".kernel"), stored.shape);
        return tensor;
    };
    return std::make_unique<RenamedCheckpoint>(std::move(below), renaming);
}

}  // namespace lipcert
