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

/// The shape of a tensor of an attention with its heads joined; others keep theirs. Gemma keeps its
/// heads before the width, and no reshaping joins those.
std::vector<std::size_t> joined_heads(const std::string& name, std::vector<std::size_t> shape) {
    if (name.find("gemma") != std::string::npos) {
        return shape;
    }
    const std::size_t vars = name.rfind(".vars.");
    const std::string_view layer = std::string_view(name).substr(0, vars);
    const bool is_kernel = name.ends_with(".vars.0");
    if (ends_with_any(layer,
                      {"query_dense", "key_dense", "value_dense", ".query", ".key", ".value"})) {
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
    renaming.format = "keras weights.h5";
    renaming.twin_reason = "once layers are numbered";
    renaming.show = [](const TensorInfo& stored) {
        RenamedTensor tensor{stored, false};
        tensor.info.name = keras_name(stored.name);
        tensor.info.shape = joined_heads(tensor.info.name, stored.shape);
        return tensor;
    };
    return std::make_unique<RenamedCheckpoint>(std::move(below), renaming);
}

}  // namespace lipcert
