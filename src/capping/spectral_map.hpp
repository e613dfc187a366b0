#pragma once

#include <functional>

namespace lipcert::capping {

/// What a method does to singular values, in numbers that neither over- nor underflow: a singular
/// value is given as a part x = sigma / |W|_2 of the norm, the result as a part of the limit.
/// `ratio` is limit / |W|_2 throughout. Formulas and sources: docs/capping.md.
struct SpectralMap {
    std::function<double(double)> part_of_limit;
    /// Singular values up to this part of the norm stay as they are (to 2^-50 of themselves).
    double identity_below = 0.0;
    /// The largest singular value becomes the limit.
    bool reaches_limit = true;
    /// Whatever is larger than `identity_below` becomes the limit.
    bool is_flat_above = false;
};

/// sigma -> min(sigma, limit).
[[nodiscard]] SpectralMap hard_cap(double ratio);

/// x - t x^3/k^2, then x + t x^3/k^2, with t from `soft_cap_coupling`, in as many rounds as it
/// takes: one round lowers the norm k at hand to no less than `kSoftCapReach` k, so that the map is
/// increasing on [0, k]. Nothing changes its sign or its rank, and the largest value becomes the
/// limit.
[[nodiscard]] SpectralMap soft_cap(double ratio);

/// The t = alpha k^2 in [0, 1] for which one round maps k to c = ratio * k: the smallest root of
/// -k^9 alpha^4 + 3 k^7 alpha^3 - 3 k^5 alpha^2 + k - c = 0, that is
/// (1 - t)(1 + t (1 - t)^2) = ratio, whose left side decreases in t from 1 to 0.
[[nodiscard]] double soft_cap_coupling(double ratio);

/// The least ratio for which a round is increasing on [0, k]: there t = 1/3.
inline constexpr double kSoftCapReach = 62.0 / 81.0;

/// sigma -> (1 - decay)^j sigma with the least j that brings it to the limit.
[[nodiscard]] SpectralMap decay_until_limit(double ratio, double decay);

/// Every positive sigma -> limit.
[[nodiscard]] SpectralMap orthogonal();

}  // namespace lipcert::capping
