#include "lipcert/checkpoint/checkpoint.hpp"

#include <algorithm>

namespace lipcert {

const TensorInfo* Checkpoint::find(std::string_view name) const {
    const std::vector<TensorInfo>& all = tensors();
    const auto found = std::lower_bound(
        all.begin(), all.end(), name, [](const TensorInfo& tensor, std::string_view wanted) {
            return tensor.name < wanted;
        });
    return found != all.end() && found->name == name ? &*found : nullptr;
}

}  // namespace lipcert
