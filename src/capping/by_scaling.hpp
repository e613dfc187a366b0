#pragma once

#include "capping/job.hpp"

namespace lipcert::capping {

/// W min(1, c/|W|_2), for a W above the limit.
[[nodiscard]] CapResult normalize(const Job& job);

/// (1 - decay)^j W: once, or until the limit is certified.
[[nodiscard]] CapResult weight_decay(const Job& job);

}  // namespace lipcert::capping
