#include "lipcert/checkpoint/overlay_checkpoint.hpp"

#include "lipcert/error.hpp"

#include <utility>

#include "checkpoint/matrix_shape.hpp"

namespace lipcert {

void OverlayCheckpoint::replace(const std::string& tensor, StoredValues values) {
    require_fit(find(tensor), values, path() + ": " + tensor);
    replacements_.insert_or_assign(tensor, std::move(values));
}

Matrix OverlayCheckpoint::read(const TensorInfo& tensor) const {
    const auto replacement = replacements_.find(tensor.name);
    return replacement == replacements_.end() ? below().read(tensor) : replacement->second.values();
}

}  // namespace lipcert
