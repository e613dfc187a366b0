#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <optional>

#include "norms/eigen_system.hpp"
#include "norms/gram_spectrum.hpp"

namespace lipcert::estimate {

struct EigenpairsAbove {
    EigenSystem pairs;
    /// About how many eigenvalues lie above `kNearby` times the level, as far as the subspace goes.
    Eigen::Index nearby = 0;
};

inline constexpr double kNearby = 0.8;

/// The eigenpairs above `level` > 0 of W^T W, for a W with entries at most 1 and at least as many
/// rows as columns, by subspace iteration with Chebyshev filters (Zhou, Saad, Tiago and
/// Chelikowsky, J. Comput. Phys. 219, 2006): each residual is at most max(tolerance * level, 2^-46
/// lambda_max), or 16 times that of many pairs, and so is what a vector below the level may still
/// hide above it. In float32 as far as that goes, then in float64; for many pairs, the filters are
/// of the sign of W^T W - level I, which products of matrices give. A crowded edge costs it nothing
/// but steps: the subspace is somewhat larger than what is wanted, and only the gap to its end
/// decides. `gram` is the Gram matrix of W. None where a full decomposition would be about as fast.
[[nodiscard]] std::optional<EigenpairsAbove> eigenpairs_above(const Matrix& tall,
                                                              GramSpectrum gram,
                                                              double level,
                                                              double tolerance);

}  // namespace lipcert::estimate
