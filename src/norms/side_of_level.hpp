#pragma once

#include "norms/float_matrix.hpp"
#include "norms/matrix_sign.hpp"

namespace lipcert::estimate {

/// Rounding moves eigenvalues of the sign that should be at -1 or 1.
inline constexpr double kLeastErrorOfSign = 1e-4;

/// How far beyond the top that is known from below eigenvalues are thought to go.
inline constexpr double kBeyondTop = 1.05;

/// From which side of a level an eigenvalue of G is: the sign of (G - level I)/scale.
struct SideOfLevel {
    double level;
    double scale;  ///< so that all eigenvalues are within [-1, 1]
    SignPolynomial sign;
};

/// G becomes (G - level I)/scale.
void to_unit_interval(const SideOfLevel& side, FloatMatrix& gram);

/// Of the filter that `keep_upper_side` begins with.
[[nodiscard]] double degree_on_sign(const SignPolynomial& sign);

/// Random rows become a basis of what is above the level, or not far below it, by filters of the
/// sign. `gram` is taken for its memory.
void keep_upper_side(const SideOfLevel& side, FloatMatrix gram, FloatMatrix& rows);

}  // namespace lipcert::estimate
