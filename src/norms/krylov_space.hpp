#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <functional>
#include <optional>

#include "norms/float_matrix.hpp"

namespace lipcert {

/// So many are looked at: those that deflation may take out, and the one that shows the rest.
inline constexpr Eigen::Index kLeadingPairs = 24;

/// Guesses at the top eigenpairs, largest first.
struct RitzPairs {
    Vector values;
    Matrix vectors;    ///< one a column, of Euclidean norm about 1
    Vector residuals;  ///< |A v - value v|, about

    /// Of the first pair, as a part of its value: products in float32 leave about 1e-6.
    [[nodiscard]] bool has_good_top() const { return residuals(0) <= 2e-6 * values(0); }
};

/// What is to be done about the pairs of a Krylov space.
struct Search {
    bool ends = false;
    /// Products until the next look with another random vector going along, which may see what
    /// those before did not; 0: the space goes on as it is.
    Eigen::Index with_new_start = 0;
};

/// The judgement of a search for the first pair alone.
[[nodiscard]] inline Search until_good_top(const RitzPairs& pairs) {
    return {.ends = pairs.has_good_top()};
}

/// The leading Ritz pairs of a symmetric float32 matrix (lower triangle) from a band Lanczos
/// recurrence, every vector orthogonalised twice against all before it, 192 products at the most.
/// `judge` looks at the values and residuals (the vectors are not there yet) from time to time.
/// Where a space is invariant, another random vector goes on. Nothing where the numbers leave the
/// range of float32. Source: Parlett, The Symmetric Eigenvalue Problem, section 13.10.
[[nodiscard]] std::optional<RitzPairs> leading_ritz_pairs(
    const FloatMatrix& lower, const std::function<Search(const RitzPairs&)>& judge);

}  // namespace lipcert
