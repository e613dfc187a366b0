#pragma once

#include "lipcert/bounds/affine.hpp"

#include <optional>
#include <string>

namespace lipcert {

/// The Lipschitz constant of z(p) = sqrt(d) p / sqrt(|p|^2 + d epsilon) on all of R^d:
/// 1/sqrt(epsilon) [R14]. Throws Error{architecture} where epsilon may be 0: then there is none.
[[nodiscard]] Upper normalisation_lipschitz(const Interval& epsilon, const std::string& where);

/// The same for pairs of vectors whose parts p both have at least this root mean square:
/// 1/sqrt(rms^2 + epsilon) [R15]. Nothing: no condition [R14].
[[nodiscard]] Upper normalisation_lipschitz(const Interval& epsilon,
                                            const std::optional<Lower>& minimum_rms,
                                            const std::string& where);

/// The Lipschitz constant of p / max(|p|, epsilon): 1/epsilon, or, for pairs of vectors of
/// `dimension` entries that both have at least this root mean square, 1/max(epsilon,
/// sqrt(dimension) rms) [R16]. Throws Error{architecture} where epsilon may be 0.
[[nodiscard]] Upper unit_norm_lipschitz(const Interval& epsilon,
                                        const std::optional<Lower>& minimum_rms,
                                        std::size_t dimension,
                                        const std::string& where);

/// Its largest norm over |p| <= radius: min(1, radius/epsilon) [R16].
[[nodiscard]] Upper unit_norm_radius(const Interval& epsilon, const Upper& radius);

/// Where z(p) lies, and how pairs of it differ, if p has at least some root mean square [R40].
struct Shell {
    Lower inner_radius;  ///< of z; the outer one is sqrt(d)
    Upper radial_share;  ///< | |z| - |z'| | / |p - p'| over the bound of |z - z'| / |p - p'|
};

[[nodiscard]] Shell shell_of(std::size_t dimension,
                             const Interval& epsilon,
                             const Lower& minimum_rms);

/// The largest |z(p)| over |p| <= radius: sqrt(d) R / sqrt(R^2 + d epsilon), at most sqrt(d), also
/// for an infinite radius [R14].
[[nodiscard]] Upper normalisation_radius(std::size_t dimension,
                                         const Interval& epsilon,
                                         const Upper& radius);

/// Reads gamma (1 where there is none, 1 + stored where the model says so) and beta (0 where there
/// is none) [R14].
[[nodiscard]] Fold read_fold(const Checkpoint& checkpoint,
                             const Normalisation& norm,
                             Eigen::Index width,
                             const std::string& where);

/// gamma o z + beta as a function of z: its Lipschitz constant max|gamma_i| and |beta| [R14].
struct FoldNorms {
    Upper gain;
    Upper offset;
};

[[nodiscard]] FoldNorms measure_fold(const Fold& fold);

}  // namespace lipcert
