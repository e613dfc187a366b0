#pragma once

#include "lipcert/execution/linearise.hpp"
#include "lipcert/execution/witness.hpp"

#include <functional>
#include <random>
#include <vector>

namespace lipcert {

/// A map of streams as the search sees it.
struct SearchedFunction {
    std::function<Matrix(const Matrix&)> run;
    std::function<Linearisation(const Matrix&)> linearise;
    double radius = 0.0;  ///< every token stays in this L2 ball; may be infinite
};

/// The largest L2 norm of a row.
[[nodiscard]] double longest_token(const Matrix& stream);

/// Shortens tokens that leave the ball, a hair inside.
void clip(Matrix& stream, double radius);

/// A stream of independent normal entries.
[[nodiscard]] Matrix gaussian_stream(Eigen::Index tokens,
                                     Eigen::Index width,
                                     std::mt19937_64& random);

/// The pair with the largest difference quotient that ascents from `starts` find; an estimate.
[[nodiscard]] Witness search(const SearchedFunction& function,
                             const std::vector<Matrix>& starts,
                             const WitnessOptions& options,
                             std::mt19937_64& random);

}  // namespace lipcert
