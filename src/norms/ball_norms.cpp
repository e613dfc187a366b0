#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <cstddef>
#include <vector>

#include "norms/parallel.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

Upper norm_at_own_scale(Matrix row) {
    const int scale = largest_exponent(row).value_or(0);
    multiply_by_power_of_two(row, -scale);
    return frobenius_upper(row).scaled(scale);
}

}  // namespace

Enclosure spectral_norm(const MatrixBall& a) {
    const Enclosure centre = spectral_norm(a.centre()).spectral.scaled(a.exponent());
    return {centre.lower() - a.radius(), centre.upper() + a.radius()};
}

Upper frobenius_norm(const MatrixBall& a) {
    return frobenius_upper(a.centre()).scaled(a.exponent()) + a.radius();
}

std::vector<Upper> row_norms(const MatrixBall& a) {
    // Squares of numbers this far from 1 are far from over- and underflow.
    constexpr double kFar = 0x1p200;
    std::vector<Upper> result(static_cast<std::size_t>(a.rows()));
    for_each_row(a.rows(), a.cols(), [&](Eigen::Index i) {
        const auto row = a.centre().row(i);
        const double largest = row.size() == 0 ? 0.0 : row.cwiseAbs().maxCoeff();
        const bool is_near = largest >= 1.0 / kFar && largest <= kFar;
        // Others at their own scale, so that a small row beside a large one keeps its digits;
        // scaling up is exact.
        result[static_cast<std::size_t>(i)] =
            (is_near ? frobenius_upper(row) : norm_at_own_scale(row)).scaled(a.exponent()) +
            a.radius();
    });
    return result;
}

Upper largest_row_norm(const MatrixBall& a) {
    Upper result;
    for (const Upper& norm : row_norms(a)) {
        result = max(result, norm);
    }
    return result;
}

Upper largest_entry(const MatrixBall& a) {
    const double largest = a.centre().size() == 0 ? 0.0 : a.centre().cwiseAbs().maxCoeff();
    return Upper::exact(largest).scaled(a.exponent()) + a.radius();
}

}  // namespace lipcert
