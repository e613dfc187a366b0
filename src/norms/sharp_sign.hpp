#pragma once

#include <optional>

#include "norms/gram_spectrum.hpp"
#include "norms/side_of_level.hpp"

namespace lipcert::estimate {

/// x (1 + gap - |x|)/largest on the longer side of 0, on which x goes up to 1 in magnitude, and
/// x (1 + gap + |x|)/largest on the shorter one: what one product does for what lies next to 0
/// where the sides differ much. What is at the end of the longer side comes next to the gap, but
/// not within it.
struct Fold {
    double direction;  ///< of the longer side: 1 or -1
    double gap;
    double largest;
};

/// How the sign of G - level I is found: by products of matrices where eigenvalues lie beyond the
/// gap of the polynomial, and by their vectors where they lie within it.
struct SharpSignPlan {
    SideOfLevel side;
    std::optional<Fold> fold;  ///< of (G - level I)/scale before the polynomial
    Eigen::Index vectors = 0;  ///< of a subspace that holds those within the gap
};

/// The cheapest plan as far as the density tells; none where so many eigenvalues lie next to the
/// level that none is cheap.
[[nodiscard]] std::optional<SharpSignPlan> plan_sharp_sign(const SpectralDensity& density,
                                                           Eigen::Index size,
                                                           double level);

/// sign(G - level I), off by about 2^-15 or, on a processor without a tile unit, the error of the
/// polynomial. Nothing where more eigenvalues than planned lie next to the level.
[[nodiscard]] std::optional<FloatMatrix> sharp_sign(const SharpSignPlan& plan,
                                                    GramSpectrum& gram,
                                                    SymmetricFactor& workspace);

}  // namespace lipcert::estimate
