#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include "norms/lanczos.hpp"

namespace lipcert {

/// What a search for a certified level ended with.
struct TopEigenvalue {
    Upper upper =
        Upper::infinity();   ///< >= lambda_max of the matrix; +inf where no level succeeded
    Estimate estimate;       ///< the best vector seen, for the lower end
    int factorisations = 0;  ///< what the search cost
};

/// Looks for the lowest level that certify_level [S3] proves to lie above the spectrum of a
/// symmetric positive semidefinite matrix (lower triangle). A bad start, even one orthogonal to the
/// top eigenvector, costs further factorisations, not soundness. One factorisation where the start
/// is good to 2e-9; a dense eigensolver before the last attempts. In place: factors take the lower
/// triangle, and what they were made from is kept above the diagonal.
[[nodiscard]] TopEigenvalue search_level(Matrix lower, Estimate start);

}  // namespace lipcert
