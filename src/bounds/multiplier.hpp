#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <optional>

#include "bounds/hidden_layer.hpp"

namespace lipcert {

/// The numbers of a diagonal family in doubles, each relative to a power of two that the caller
/// knows: Hc, W1, W2 and r of the rule [R10].
struct MultiplierProblem {
    const Matrix& centre;
    const Matrix& in;
    const Matrix& out;
    double half_width = 0.0;
};

/// The number of steps that the effort allows for maps of this size; none where it is fast.
[[nodiscard]] int steps_of_search(const HiddenLayer& layer, Effort effort);

/// T near the minimum of lmax(r^2 W1^T T W1 + Hc^T (I - W2 T^-1 W2^T)^-1 Hc): the closed form
/// [R10'] and some steps along the gradient of its logarithm [R11]. Any T > 0 is valid [R0].
/// Nothing where the numbers leave the range of doubles.
[[nodiscard]] std::optional<Vector> search_multiplier(const MultiplierProblem& problem, int steps);

/// The best common factor of T0 by estimates of h = |Hc|, al = lmax(X) and be = lmax(r^2 Y) at T0
/// [R10']; a little larger, so that I - X stays positive definite where h = 0.
[[nodiscard]] double common_factor(double h, double al, double be);

/// An estimate of |A|, from below.
[[nodiscard]] double estimated_norm(const Matrix& a);

}  // namespace lipcert
