#pragma once

#include "lipcert/tensor/matrix.hpp"

namespace lipcert {

/// A guess at the top eigenpair of a Gram matrix. It says where to look; nothing turns it into a
/// bound.
struct Estimate {
    double eigenvalue = 0.0;  ///< Rayleigh quotient of `vector`, in rounded arithmetic
    Vector vector;            ///< of Euclidean norm about 1
};

/// The Rayleigh quotient of `direction`; the first unit vector stands in for a direction that is
/// zero or not finite. `lower` is the lower triangle of a symmetric matrix throughout.
[[nodiscard]] Estimate rayleigh_quotient(const Matrix& lower, const Vector& direction);

/// The one with the larger eigenvalue.
[[nodiscard]] Estimate better(Estimate a, Estimate b);

/// Lanczos (Spectra), and independently of it power iteration from another start: the better of the
/// two. Up to 64 rows: a dense eigensolver instead of Lanczos.
[[nodiscard]] Estimate estimate_top_eigenpair(const Matrix& lower);

/// A few steps of Lanczos from a given direction.
[[nodiscard]] Estimate improve(const Matrix& lower, const Estimate& start);

/// Every eigenvalue by a dense solver, the top one returned: the slow last resort.
[[nodiscard]] Estimate dense_top_eigenpair(const Matrix& lower);

}  // namespace lipcert
