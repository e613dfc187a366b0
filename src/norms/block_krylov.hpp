#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <optional>

#include "norms/eigen_system.hpp"

namespace lipcert::estimate {

/// The eigenpairs above `level` > 0 of a symmetric positive semidefinite matrix (lower triangle),
/// by an unrestarted block Lanczos method: each residual is at most max(tolerance * level,
/// 2^-46 lambda_max), and so is what a vector below the level may still hide above it. None where
/// the method would need a basis of more than about an eighth of the size. An eigenvalue of a
/// multiplicity beyond the block size can be missed.
[[nodiscard]] std::optional<EigenSystem> eigenpairs_above(const Matrix& lower,
                                                          double level,
                                                          double tolerance);

}  // namespace lipcert::estimate
