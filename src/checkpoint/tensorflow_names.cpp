#include "checkpoint/tensorflow_names.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

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

void replace_all(std::string& text, std::string_view old, std::string_view by) {
    for (std::size_t at = text.find(old); at != std::string::npos; at = text.find(old, at)) {
        text.replace(at, old.size(), by);
    }
}

bool is_attention_input(std::string_view name) {
    return name.find("attention") != std::string_view::npos &&
           (name.ends_with(".query") || name.ends_with(".key") || name.ends_with(".value"));
}

std::size_t product(const std::vector<std::size_t>& shape, std::size_t from) {
    std::size_t result = 1;
    for (std::size_t i = from; i < shape.size(); ++i) {
        result *= shape[i];
    }
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

TensorFlowCheckpoint::TensorFlowCheckpoint(std::unique_ptr<Checkpoint> below)
    : below_(std::move(below)) {
    std::map<std::string, std::pair<TensorInfo, Source>> renamed;
    for (const TensorInfo& stored : below_->tensors()) {
        std::string name(behind_scope(stored.name));
        replace_all(name, "_._", ".");
        const std::size_t dot = name.rfind('.');
        const std::string last = dot == std::string::npos ? name : name.substr(dot + 1);
        const std::string front = dot == std::string::npos ? "" : name.substr(0, dot);
        TensorInfo info = stored;
        Source source{stored.name, last == "kernel"};
        if (last == "kernel" || last == "gamma" || last == "embeddings") {
            name = front + ".weight";
        } else if (last == "beta") {
            name = front + ".bias";
        }
        if (last == "kernel") {
            if (info.shape.size() != 2 && !(info.shape.size() == 3 && is_attention_input(front))) {
                throw Error(ErrorKind::input,
                            below_->path() + ": " + printable_quote(stored.name),
                            fmt::format("is a kernel of shape {}: only kernels of linear maps are "
                                        "read",
                                        shape_text(stored)));
            }
            info.shape = {product(info.shape, 1), info.shape[0]};
        } else if (last == "bias" && !info.shape.empty()) {
            info.shape = {product(info.shape, 0)};
        }
        info.name = name;
        if (!renamed.emplace(name, std::pair(std::move(info), source)).second) {
            throw Error(
                ErrorKind::input,
                below_->path() + ": " + printable_quote(stored.name),
                "has the same name as another dataset once groups and scopes are left out, " +
                    printable_quote(name));
        }
    }
    for (auto& [name, entry] : renamed) {
        tensors_.push_back(std::move(entry.first));
        sources_.push_back(std::move(entry.second));
    }
}

Matrix TensorFlowCheckpoint::read(const TensorInfo& tensor) const {
    const TensorInfo* known = find(tensor.name);
    if (known == nullptr) {
        throw Error(ErrorKind::input,
                    path() + ": " + printable_quote(tensor.name),
                    "there is no such tensor");
    }
    const Source& source = sources_[static_cast<std::size_t>(known - tensors_.data())];
    Matrix values = below_->read(*below_->find(source.name));
    if (source.turned) {
        return values.transpose();
    }
    if (known->shape.size() == 1 && values.cols() != 1) {
        return values.reshaped<Eigen::RowMajor>();
    }
    return values;
}

}  // namespace lipcert
