#pragma once

#include <optional>

#include "capping/job.hpp"
#include "norms/gram_spectrum.hpp"

namespace lipcert::capping {

/// sigma -> min(sigma, limit) without singular vectors: W (I - excess), the excess a function of
/// W^T W that products of matrices give [K3, K5]. For large matrices in float32 of whose singular
/// values many exceed the limit; nothing else, or where the excess turned out to be none.
/// `spectrum` is that of 2^-exponent W, and empty afterwards where it was used up; |exponent| <=
/// SmallerSide::kLargestExponent.
[[nodiscard]] std::optional<CapResult> hard_cap_by_products(
    const Job& job, int exponent, std::optional<estimate::GramSpectrum>& spectrum);

}  // namespace lipcert::capping
