#pragma once

#include "lipcert/norms/matrix_ball.hpp"

#include <optional>

namespace lipcert {

/// gram + excess I, relative to the Loewner order.
struct SchurTerm {
    MatrixBall gram;  ///< m x m, symmetric
    Upper excess;     ///< of the order of rounding
};

/// [S11] At least C^T (I - X)^-1 C for all members of both balls, X symmetric (n x n), C of n x m.
/// Nothing where I - X is not proved to be positive definite. Cost: n^3/3 + n^2 m + n m^2 flops.
[[nodiscard]] std::optional<SchurTerm> schur_term(const MatrixBall& x, const MatrixBall& c);

/// Bounds lambda_max of every symmetric member of a ball whose centre is symmetric and about
/// positive semidefinite [S3].
[[nodiscard]] Upper largest_eigenvalue(const MatrixBall& a);

}  // namespace lipcert
