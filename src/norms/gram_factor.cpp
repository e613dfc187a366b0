#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"

#include <cmath>
#include <utility>

#include "norms/blas.hpp"
#include "norms/cholesky_certificate.hpp"
#include "norms/error_terms.hpp"
#include "norms/gram.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

constexpr int kShiftAttempts = 60;
/// Beyond it the squares of the factorisation could overflow; the loose factor needs none.
constexpr double kLargestShift = 0x1p500;

/// radius * I: M M^T <= radius^2 I for every M within `radius` of zero.
MatrixBall factor_of_zero(Eigen::Index size, const Upper& radius) {
    if (radius.is_zero() || !radius.is_finite()) {
        return MatrixBall::around(Matrix::Zero(size, size), 0, radius);
    }
    constexpr double kBitsPerDigit = 3.3219280948873623;
    const auto exponent = static_cast<long>(std::ceil(radius.log10() * kBitsPerDigit));
    const double mantissa = radius.scaled(-exponent).to_double();
    if (!std::isfinite(mantissa)) {
        // The ball must hold radius * I, whose Frobenius norm is sqrt(size) times as large.
        const Upper whole = radius * sqrt(Upper::of_count(static_cast<std::size_t>(size)));
        return MatrixBall::around(Matrix::Zero(size, size), 0, whole);
    }
    return MatrixBall::around(mantissa * Matrix::Identity(size, size), exponent, Upper());
}

}  // namespace

MatrixBall gram_factor(const MatrixBall& a) {
    const Eigen::Index size = a.rows();
    if (a.centre().isZero(0.0) || !a.radius().is_finite()) {
        return factor_of_zero(size, a.radius());
    }
    blas::require_trusted();
    const Gram gram = form_gram(TallPanels::of_rows(a.centre(), 0));
    const Upper norm = sqrt(gram.sum_of_squares.upper());
    const Upper radius = a.radius().scaled(-a.exponent());
    // [S5] (A+D)(A+D)^T <= A A^T + (2 |A| |D| + |D|^2) I <= G + (|E| + 2 |A| r + r^2) I
    const Upper needed = gram.error + Upper::of_count(2) * norm * radius + square(radius);
    // A little more than the a priori error of the unshifted matrix: the check below decides.
    constexpr double kMargin = 1.001;
    double shift = kMargin * (needed + cholesky_error_from_trace(
                                           size, square(norm) + needed, square(norm) + needed))
                                 .to_double();
    for (int attempt = 0; attempt < kShiftAttempts && shift <= kLargestShift; ++attempt) {
        Matrix shifted = gram.lower;
        shifted.diagonal().array() += shift;
        const double largest = shifted.diagonal().maxCoeff();
        const CholeskyFactor factor = factorise(std::move(shifted));
        if (factor.succeeded()) {
            // L L^T >= A' - error >= G + (shift - U max a_ii - error) I: verified after the fact,
            // because the error contains the shift.
            const Upper lost = needed + factor.error + diagonal_error(Upper::exact(largest));
            if (proves_at_most(lost, Lower::exact(shift))) {
                Matrix lower = factor.lower.triangularView<Eigen::Lower>();
                return MatrixBall::around(std::move(lower), a.exponent(), Upper());
            }
        }
        shift *= 2.0;
    }
    // No shift was enough: |M|_F I is a valid, loose factor.
    return factor_of_zero(size, frobenius_norm(a));
}

}  // namespace lipcert
