#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace lipcert::test {

/// A checkpoint with one tensor more, or with one replaced, of any type and shape: MemoryCheckpoint
/// itself holds matrices and vectors of doubles. The tensor has no values.
class WithTensor : public Checkpoint {
public:
    WithTensor(const Checkpoint& base, TensorInfo extra) : base_(base), tensors_(base.tensors()) {
        std::erase_if(tensors_, [&](const auto& tensor) { return tensor.name == extra.name; });
        tensors_.push_back(std::move(extra));
        std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
            return a.name < b.name;
        });
    }

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override {
        return base_.read(tensor);
    }

    [[nodiscard]] std::string format() const override { return base_.format(); }

    [[nodiscard]] std::string path() const override { return base_.path(); }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return base_.embedded_configuration();
    }

private:
    const Checkpoint& base_;
    std::vector<TensorInfo> tensors_;
};

[[nodiscard]] inline TensorInfo float_tensor(const std::string& name,
                                             std::vector<std::size_t> shape) {
    return {name, std::move(shape), DataType::float32, "float32", 64};
}

[[nodiscard]] inline TensorInfo integer_tensor(const std::string& name,
                                               std::vector<std::size_t> shape) {
    return {name, std::move(shape), DataType::unsupported, "int8", 64};
}

}  // namespace lipcert::test
