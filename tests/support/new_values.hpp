#pragma once

#include "lipcert/checkpoint/checkpoint_edit.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace lipcert::test {

/// Values for every float tensor of `checkpoint` whose name does not begin "kept": the same in
/// every run, numbers of every stored type (multiples of 1/64 below 2), most of them new.
inline std::map<std::string, StoredValues> new_values(const Checkpoint& checkpoint) {
    std::map<std::string, StoredValues> values;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (tensor.type == DataType::unsupported || tensor.name.starts_with("kept")) {
            continue;
        }
        Matrix matrix = checkpoint.read(tensor);
        std::uint64_t state = tensor.shape.size();
        for (double& entry : matrix.reshaped<Eigen::RowMajor>()) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            entry = (static_cast<double>(state >> 57U) - 64.0) / 64.0;
        }
        values.emplace(tensor.name, StoredValues::rounded(tensor.type, matrix));
    }
    return values;
}

/// Writes `new_values` to `target` as the command would.
inline EditResult edit_with_new_values(const std::filesystem::path& path,
                                       const EditTarget& target) {
    const auto source = open_checkpoint(path);
    CheckpointEdit edit(*source, target);
    for (const auto& [name, values] : new_values(*source)) {
        edit.write(name, values);
    }
    (void)edit.check();
    return edit.commit();
}

}  // namespace lipcert::test
