#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <optional>

#include "norms/eigen_system.hpp"

namespace lipcert::estimate {

/// The eigenpairs above `level` > 0 of a symmetric positive semidefinite matrix (lower triangle),
/// by subspace iteration with Chebyshev filters (Zhou, Saad, Tiago and Chelikowsky, J. Comput.
/// Phys. 219, 2006): each residual is at most max(tolerance * level, 2^-46 lambda_max), and so is
/// what a vector below the level may still hide above it. A crowded edge costs it nothing but
/// steps: the subspace is about twice as large as what is wanted, and only the gap to its end
/// decides. None where it would have to grow beyond an eighth of the size, or where a full
/// decomposition would be as fast.
[[nodiscard]] std::optional<EigenSystem> eigenpairs_above(const Matrix& lower,
                                                          double level,
                                                          double tolerance);

}  // namespace lipcert::estimate
