#pragma once

#include "lipcert/bounds/normalisation.hpp"
#include "lipcert/rounding/bound.hpp"

#include <optional>

namespace lipcert {

/// A normalisation whose constant K is a factor of the chain.
struct NormInChain {
    Upper excess;  ///< 1/sqrt(epsilon) / K: 1 unless a condition made K smaller [R39] [R15]
    std::optional<Shell> shell;  ///< where its outputs lie, if a condition says so [R40]
};

}  // namespace lipcert
