#pragma once

#include <optional>

#include "norms/side_of_level.hpp"
#include "norms/spectral_density.hpp"
#include <Eigen/Core>

namespace lipcert::estimate {

/// How much a filter in float32 may raise the top of the spectrum above its end, so that what is
/// wanted stays above rounding until the next orthonormalisation.
inline constexpr double kLargestGrowthInFloat = 1e5;
/// Vectors that a subspace has to spare.
inline constexpr Eigen::Index kSpare = 8;
/// The largest subspace, as a part of the size.
inline constexpr double kLargestPart = 0.6;
/// From this part of the size on, the eigenvectors of the projection cost more than the filters, so
/// they are computed once, in float64.
inline constexpr double kLarge = 0.125;

/// How to come to the eigenvectors above a level.
struct SubspacePlan {
    Eigen::Index size = 0;            ///< of the subspace
    double end = 0.0;                 ///< of the rest of the spectrum, below the level
    std::optional<SideOfLevel> side;  ///< where it is cheaper than filters of G
};

/// The cheapest plan as far as the density tells: a larger subspace takes lower degrees, but more
/// for its projection. None where a full decomposition would be as cheap.
[[nodiscard]] std::optional<SubspacePlan> plan_subspace(const SpectralDensity& density,
                                                        Eigen::Index size,
                                                        double level,
                                                        bool is_for_float);

}  // namespace lipcert::estimate
