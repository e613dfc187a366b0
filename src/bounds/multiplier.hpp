#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <optional>

namespace lipcert {

/// The numbers of a diagonal family in doubles, each relative to a power of two that the caller
/// knows: Hc, W1 and r W2 of the rule [R10].
struct MultiplierProblem {
    const Matrix& centre;
    const Matrix& in;
    const Matrix& out;
};

/// A diagonal multiplier T > 0 and about the bound that it proves.
struct Multiplier {
    Vector diagonal;
    double bound = 0.0;
};

/// T near the minimum of lmax(W1^T T W1 + Hc^T (I - W2 T^-1 W2^T)^-1 Hc): the closed form [R10']
/// and some steps along the gradient of its logarithm [R11]. Any T is valid [R0]. Nothing where the
/// numbers leave the range of doubles.
[[nodiscard]] std::optional<Multiplier> search_multiplier(const MultiplierProblem& problem,
                                                          Effort effort);

}  // namespace lipcert
