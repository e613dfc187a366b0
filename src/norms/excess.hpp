#pragma once

#include <optional>

#include "norms/gram_spectrum.hpp"
#include "norms/sharp_sign.hpp"

namespace lipcert::estimate {

/// What takes the singular values sigma of a tall matrix A that are larger than c down to c, from
/// the right: A (I - matrix). A guess, by products of matrices alone, without singular vectors.
struct Excess {
    FloatMatrix matrix;   ///< I - c max(A^T A, c^2 I)^(-1/2), max of eigenvalues; symmetric
    FloatMatrix weights;  ///< symmetric B; B^2 is about a multiple of max(A^T A, c^2 I)^(1/2) - c I
    Eigen::Index count = 0;  ///< singular values above c
};

/// The part of c that |A (I - matrix)|_2 exceeds c by at most, as was seen; `top` is about the
/// largest eigenvalue of A^T A as a multiple of c^2.
[[nodiscard]] double expected_overshoot(double top);

/// For the level c^2 of the plan; nothing where more eigenvalues than planned lie next to it, or
/// where float32 left its range.
[[nodiscard]] std::optional<Excess> excess_above(const SharpSignPlan& plan, GramSpectrum& gram);

}  // namespace lipcert::estimate
