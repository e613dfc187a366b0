#include "capping/change.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>

#include "norms/scaling.hpp"

namespace lipcert::capping {

namespace {

/// Rows whose difference is formed at once, so that it stays in the cache.
constexpr Eigen::Index kRowsAtOnce = 16;

/// 2^-exponent as two doubles, because one need not hold it.
struct PowerOfTwo {
    explicit PowerOfTwo(long exponent)
        : first(std::ldexp(1.0, static_cast<int>(-exponent / 2))),
          second(std::ldexp(1.0, static_cast<int>(-exponent - -exponent / 2))) {}

    double first, second;
};

/// [K1] sqrt(entries) times what one entry is off by.
Upper in_every_entry(const Matrix& matrix, const Upper& error) {
    return sqrt(Upper::of_count(static_cast<std::size_t>(matrix.size()))) * error;
}

}  // namespace

ScaledView ScaledView::of(const Matrix& matrix) {
    return {matrix, largest_exponent(matrix).value_or(0)};
}

Enclosure frobenius_distance(const ScaledView& a, double factor, const ScaledView& b) {
    const PowerOfTwo of_a(a.exponent);
    const PowerOfTwo of_b(b.exponent);
    Lower below;
    Upper above;
    Matrix difference;
    for (Eigen::Index begin = 0; begin < a.matrix.rows(); begin += kRowsAtOnce) {
        const Eigen::Index count = std::min(kRowsAtOnce, a.matrix.rows() - begin);
        // A quarter of the difference, so that its entries, up to 3, are at most 1.
        difference =
            0.25 * (of_a.second * (of_a.first * a.matrix.middleRows(begin, count)) -
                    factor * (of_b.second * (of_b.first * b.matrix.middleRows(begin, count))));
        const Enclosure squares = sum_of_squares(difference);
        below = below + squares.lower();
        above += squares.upper();
    }
    const Upper rounding = in_every_entry(
        a.matrix, Upper::of_count(6) * unit_roundoff() + Upper::of_count(8) * underflow_unit());
    return {sqrt(below).scaled(2) - rounding, sqrt(above).scaled(2) + rounding};
}

Enclosure frobenius_distance(const Matrix& a, const Matrix& b) {
    const long exponent = std::max(ScaledView::of(a).exponent, ScaledView::of(b).exponent);
    return frobenius_distance(ScaledView{a, exponent}, 1.0, ScaledView{b, exponent})
        .scaled(exponent);
}

Enclosure frobenius_norm(const ScaledView& a) {
    const PowerOfTwo power(a.exponent);
    Lower below;
    Upper above;
    Matrix rows;
    for (Eigen::Index begin = 0; begin < a.matrix.rows(); begin += kRowsAtOnce) {
        const Eigen::Index count = std::min(kRowsAtOnce, a.matrix.rows() - begin);
        rows = power.second * (power.first * a.matrix.middleRows(begin, count));
        const Enclosure squares = sum_of_squares(rows);
        below = below + squares.lower();
        above += squares.upper();
    }
    const Upper underflow = in_every_entry(a.matrix, Upper::of_count(2) * underflow_unit());
    return {sqrt(below) - underflow, sqrt(above) + underflow};
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
