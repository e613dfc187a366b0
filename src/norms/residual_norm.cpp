#include "norms/residual_norm.hpp"

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "norms/blocked_cholesky.hpp"
#include "norms/certified_ends.hpp"
#include "norms/error_terms.hpp"
#include "norms/gram.hpp"
#include "norms/lanczos.hpp"
#include "norms/level_search.hpp"
#include "norms/parallel.hpp"
#include "norms/ritz_correction.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

/// The first level stands this far above the estimate.
constexpr double kFirstGap = 1e-9;

/// level I - G, the lower triangle, as doubles.
Matrix below_level(const Matrix& lower, double level) {
    Matrix result = lower;
    subtract_from_level(result, level);
    return result;
}

/// >= lambda_max(G) for the symmetric matrix G with this lower triangle; +inf where level I - G has
/// no factor.
Upper largest_eigenvalue(const Matrix& lower, double level) {
    Matrix factor = below_level(lower, level);
    const double largest = factor.diagonal().cwiseAbs().maxCoeff();
    if (!std::isfinite(level) || blas::cholesky(factor) != 0) {
        return Upper::infinity();
    }
    return Upper::exact(level) + diagonal_error(Upper::exact(largest)) +
           distance_from_square(lower, level, std::move(factor));
}

/// The same, and the vector that comes nearest to it.
struct Top {
    Upper above;
    Vector vector;
};

Top top_of(const Matrix& lower) {
    const double gap = std::max(kFirstGap, 0x1p-49 * static_cast<double>(lower.rows()));
    Estimate estimate = sharp_top_eigenpair(lower);
    Upper above = largest_eigenvalue(lower, estimate.eigenvalue * (1.0 + gap));
    if (!above.is_finite()) {
        // Many eigenvalues near the top hide the largest one. Where to try next may come from
        // anywhere.
        TopEigenvalue found = search_level(lower, estimate);
        estimate = std::move(found.estimate);
        above = largest_eigenvalue(lower, estimate.eigenvalue * (1.0 + gap));
        if (!above.is_finite()) {
            above = largest_eigenvalue(lower, found.upper.to_double());
        }
    }
    return {std::move(above), std::move(estimate.vector)};
}

/// v^T G v from below, and |v|^2 from above.
Lower quotient(const Gram& gram, const Vector& vector) {
    const MatrixBall column = MatrixBall::of_vector(vector);
    const MatrixBall whole = MatrixBall::of(gram.lower.selfadjointView<Eigen::Lower>());
    const Enclosure length = spectral_norm(column);
    const MatrixBall form = product(column.transposed(), product(whole, column));
    const double centre = std::max(form.centre()(0, 0), 0.0);
    const Lower reached = Lower::exact(centre).scaled(form.exponent()) - form.radius();
    return reached / square(length.upper()) - gram.error;
}

}  // namespace

Upper distance_from_square(const Matrix& lower, double level, Matrix factor) {
    factor.triangularView<Eigen::StrictlyUpper>().setZero();
    if (!factor.allFinite()) {
        return Upper::infinity();
    }
    const int unit = largest_exponent(factor).value_or(0);
    if (std::abs(unit) > SmallerSide::kLargestExponent) {
        return Upper::infinity();  // entries of a scaled copy could vanish
    }
    Gram square = form_gram(TallPanels::of_rows(factor, unit));
    const double scale = std::ldexp(1.0, -2 * unit);
    for_each_row(lower.rows(), lower.cols(), [&](Eigen::Index i) {
        auto row = square.lower.row(i);
        row.head(i) = -scale * lower.row(i).head(i) - row.head(i);
        row(i) = scale * (level - lower(i, i)) - row(i);
        row.tail(row.size() - i - 1).setZero();
    });
    // An entry of a symmetric matrix stands in its lower triangle once or twice. Scaling and
    // subtraction: U of the result, and underflows.
    const Upper two = Upper::of_count(2);
    const Upper measured = frobenius_upper(square.lower) * sqrt(two);
    const Upper rounding =
        two * unit_roundoff() * measured + two * two * entrywise_underflow(lower.size());
    return (measured + rounding + square.error).scaled(2L * unit);
}

ResidualNorm residual_norm(const Matrix& matrix, int exponent) {
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    const Gram gram = form_gram(panels);
    const Top top = top_of(gram.lower);
    const Upper above = top.above + gram.error;
    const Enclosure spectral(sqrt(quotient(gram, top.vector)),
                             sqrt(min(above, gram.sum_of_squares.upper())));
    const Enclosure frobenius(sqrt(gram.sum_of_squares.lower()), sqrt(gram.sum_of_squares.upper()));
    const Upper lost = panels.scaling_error();
    return {widened(spectral, lost).scaled(exponent), widened(frobenius, lost).scaled(exponent)};
}

}  // namespace lipcert
