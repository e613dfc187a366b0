#pragma once

#include "lipcert/tensor/tensor_info.hpp"

namespace lipcert::capping {

/// What rounding into a stored type does.
struct StoredPrecision {
    double unit_roundoff = 0.0;  ///< |round(x) - x| <= unit_roundoff |x| for normal results
    double half_step = 0.0;      ///< and at most this among the subnormal ones
    double largest = 0.0;        ///< the largest finite number
};

/// Throws Error{internal} for DataType::unsupported.
[[nodiscard]] StoredPrecision precision_of(DataType type);

}  // namespace lipcert::capping
