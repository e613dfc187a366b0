#include "capping/change.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>

#include "norms/scaling.hpp"

namespace lipcert::capping {

namespace {

/// Rows whose difference is formed at once, so that it stays in the cache.
constexpr Eigen::Index kRowsAtOnce = 16;

}  // namespace

PowerOfTwo::PowerOfTwo(long exponent)
    : first_(std::ldexp(1.0, static_cast<int>(-exponent / 2))),
      second_(std::ldexp(1.0, static_cast<int>(-exponent - -exponent / 2))) {}

Enclosure distance_from(const Enclosure& squares, Eigen::Index entries, const Upper& minuend) {
    const Upper computed = sqrt(squares.upper());
    const Upper rounding =
        unit_roundoff() * (Upper::of_count(3) * computed + Upper::of_count(2) * minuend) +
        Upper::of_count(8) * underflow_unit() *
            sqrt(Upper::of_count(static_cast<std::size_t>(entries)));
    return {sqrt(squares.lower()) - rounding, computed + rounding};
}

ScaledView ScaledView::of(const Matrix& matrix) {
    return {matrix, largest_exponent(matrix).value_or(0)};
}

Enclosure frobenius_distance(const Matrix& a, const Matrix& b) {
    const long exponent = std::max(ScaledView::of(a).exponent, ScaledView::of(b).exponent);
    const PowerOfTwo power(exponent);
    Lower below;
    Upper above;
    Matrix difference;
    for (Eigen::Index begin = 0; begin < a.rows(); begin += kRowsAtOnce) {
        const Eigen::Index count = std::min(kRowsAtOnce, a.rows() - begin);
        difference =
            power.times(a.middleRows(begin, count)) - power.times(b.middleRows(begin, count));
        const Enclosure squares = sum_of_squares(difference);
        below = below + squares.lower();
        above += squares.upper();
    }
    return distance_from({below, above}, a.size()).scaled(exponent);
}

Upper spectral_distance(const Matrix& a, const Matrix& b) {
    return spectral_norm(sum(MatrixBall::of(a), scaled_by(MatrixBall::of(b), -1.0))).upper();
}

Enclosure quotient(const Enclosure& a, const Enclosure& b) {
    if (a.upper().is_zero()) {
        return {};
    }
    return {a.lower() / b.upper(), a.upper() / b.lower()};
}

}  // namespace lipcert::capping
