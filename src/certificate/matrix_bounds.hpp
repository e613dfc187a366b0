#pragma once

#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <functional>
#include <vector>

namespace lipcert {

/// Encloses the norm of every tensor, in their order, without roles: small matrices several at
/// once, large ones each on all threads. They are read one after the other, `before_reading` is
/// called for each. `options`: null where no more is asked for than the norm.
[[nodiscard]] std::vector<MatrixBound> bound_matrices(
    const Checkpoint& checkpoint,
    const std::vector<const TensorInfo*>& tensors,
    const CertifyOptions* options,
    const std::function<void(const TensorInfo&)>& before_reading);

}  // namespace lipcert
