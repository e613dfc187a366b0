#pragma once

#include <vector>

#include "norms/chebyshev_filter.hpp"
#include "norms/float_matrix.hpp"

namespace lipcert::estimate {

/// About how many eigenvalues of a symmetric positive semidefinite matrix lie where: stochastic
/// Lanczos quadrature (Ubaru, Chen and Saad, SIAM J. Matrix Anal. Appl. 38, 2017). It says where to
/// look, and nothing else.
class SpectralDensity {
public:
    /// `times` of rows of `size` numbers each.
    SpectralDensity(const Product<FloatMatrix>& times, Eigen::Index size);

    [[nodiscard]] double top() const { return nodes_.front().value; }

    [[nodiscard]] double count_above(double level) const;

    /// What about `count` eigenvalues lie above; 0 where there are fewer.
    [[nodiscard]] double level_below(double count) const;

    /// How far `count_above` is off where it says `count`: a few standard deviations.
    [[nodiscard]] static double spread(double count);

private:
    /// An eigenvalue, and how many lie above it, half of those that it stands for included.
    struct Node {
        double value = 0.0;
        double above = 0.0;
    };

    std::vector<Node> nodes_;  ///< the largest value first
};

}  // namespace lipcert::estimate
