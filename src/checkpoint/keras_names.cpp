#include "checkpoint/keras_names.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string_view>
#include <utility>

#include "checkpoint/matrix_shape.hpp"

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

KerasCheckpoint::KerasCheckpoint(std::unique_ptr<Checkpoint> below) : below_(std::move(below)) {
    std::map<std::string, std::pair<TensorInfo, std::string>> renamed;
    for (const TensorInfo& stored : below_->tensors()) {
        TensorInfo info = stored;
        info.name = keras_name(stored.name);
        info.shape = joined_heads(info.name, stored.shape);
        const std::string name = info.name;
        if (!renamed.emplace(name, std::pair(std::move(info), stored.name)).second) {
            throw Error(ErrorKind::input,
                        below_->path() + ": " + printable_quote(stored.name),
                        "has the same name as another dataset once layers are numbered, " +
                            printable_quote(name));
        }
    }
    for (auto& [name, entry] : renamed) {
        tensors_.push_back(std::move(entry.first));
        stored_names_.push_back(std::move(entry.second));
    }
}

Matrix KerasCheckpoint::read(const TensorInfo& tensor) const {
    const TensorInfo* known = find(tensor.name);
    if (known == nullptr) {
        throw Error(ErrorKind::input,
                    path() + ": " + printable_quote(tensor.name),
                    "there is no such tensor");
    }
    const std::string& stored = stored_names_[static_cast<std::size_t>(known - tensors_.data())];
    const Matrix values = below_->read(*below_->find(stored));
    const MatrixShape shape = matrix_shape(*known);
    return values.reshaped<Eigen::RowMajor>(shape.rows, shape.cols);
}

}  // namespace lipcert
