#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/rounding/roundoff.hpp"
#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert {

/// A successful or failed factorisation of a symmetric matrix A (lower triangle).
struct CholeskyFactor {
    Matrix lower;                   ///< L in the lower triangle; A = L L^T up to `error`
    Eigen::Index failed_pivot = 0;  ///< 0, or the 1-based index of the pivot that was not positive
    Upper error;                    ///< >= |A - L L^T|_2 where it succeeded [S2]

    [[nodiscard]] bool succeeded() const { return failed_pivot == 0; }
};

/// [S2] A priori: bounds |A - L L^T|_2 of a completed factorisation of an n x n matrix A by its
/// trace and its largest diagonal entry.
[[nodiscard]] Upper cholesky_error_from_trace(Eigen::Index size,
                                              const Upper& trace,
                                              const Upper& largest_diagonal,
                                              Precision precision = Precision::float64);

/// The sum of positive numbers, from above: the trace of [S2].
[[nodiscard]] Upper trace_upper(const Vector& diagonal);

/// [S2] A posteriori: the same from the factor itself, by Collatz' bound of | |L| |L|^T |_2 for a
/// vector that `row_sums` = |L| (|L|^T 1) leads to.
[[nodiscard]] Upper cholesky_error_from_factor(const Matrix& lower,
                                               const Vector& row_sums,
                                               const Upper& largest_diagonal);

/// The same in float32 for the vector of ones, which costs nothing more.
[[nodiscard]] Upper cholesky_error_from_row_sums(const Eigen::VectorXf& row_sums,
                                                 const Upper& largest_diagonal);

/// Factorises the symmetric matrix with this lower triangle in place; what stands above stays.
[[nodiscard]] CholeskyFactor factorise(Matrix lower);

/// An attempt to prove that a level lies above the spectrum of `gram`.
struct EigenvalueCertificate {
    CholeskyFactor factor;     ///< of fl(level I - gram)
    Upper largest_eigenvalue;  ///< of the symmetric matrix `gram`; +inf where the attempt failed
};

/// [S3] If fl(level I - G) has a Cholesky factor, lambda_max(G) <= level + U max|a_ii| + error.
/// The factor takes the place of the lower triangle `gram`; what stands above stays.
[[nodiscard]] EigenvalueCertificate certify_level(Matrix gram, double level);

/// x with x^T A x <= 0 up to rounding, from the rows of L that a failed factorisation left: its
/// Rayleigh quotient for level I - A is at least about the level.
[[nodiscard]] Vector failing_direction(const CholeskyFactor& factor);

}  // namespace lipcert
