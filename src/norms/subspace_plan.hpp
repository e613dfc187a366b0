#pragma once

#include <optional>

#include "norms/matrix_sign.hpp"
#include "norms/spectral_density.hpp"
#include <Eigen/Core>

namespace lipcert::estimate {

/// What a random vector has to be filtered by to become one of the space that is wanted.
inline constexpr double kFromRandom = 3e6;
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

/// From which side of a level an eigenvalue of G is: the sign of (G - level I)/scale.
struct SideOfLevel {
    double level;
    double scale;  ///< so that all eigenvalues are within [-1, 1]
    SignPolynomial sign;
};

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

/// Random rows become a basis of what is above the level, or not far below it, by filters of the
/// sign. `gram` is taken for its memory.
void keep_upper_side(const SideOfLevel& side, FloatMatrix gram, FloatMatrix& rows);

}  // namespace lipcert::estimate
