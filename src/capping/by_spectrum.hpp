#pragma once

#include "capping/job.hpp"
#include "capping/spectral_map.hpp"

namespace lipcert::capping {

/// W with its singular values mapped as `map` says, certified to be within the limit [K3].
[[nodiscard]] CapResult map_spectrum(const Job& job, const SpectralMap& map);

/// Every positive singular value becomes the limit.
[[nodiscard]] CapResult orthogonalize(const Job& job);

/// The largest singular value times 1 - decay; no limit is promised.
[[nodiscard]] CapResult spectral_decay(const Job& job);

}  // namespace lipcert::capping
