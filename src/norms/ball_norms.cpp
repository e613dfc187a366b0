#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <cstddef>
#include <optional>
#include <vector>

#include "norms/parallel.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

Enclosure spectral_norm(const MatrixBall& a) {
    const Enclosure centre = spectral_norm(a.centre()).spectral.scaled(a.exponent());
    return {centre.lower() - a.radius(), centre.upper() + a.radius()};
}

Upper frobenius_norm(const MatrixBall& a) {
    return frobenius_upper(a.centre()).scaled(a.exponent()) + a.radius();
}

std::vector<Upper> row_norms(const MatrixBall& a) {
    std::vector<Upper> result(static_cast<std::size_t>(a.rows()));
    for_each_row_range(a.rows(), a.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        Matrix row(1, a.cols());
        for (Eigen::Index i = begin; i < end; ++i) {
            // Each row at its own scale, so that a small row beside a large one keeps its digits;
            // scaling up is exact.
            row = a.centre().row(i);
            const std::optional<int> scale = largest_exponent(row);
            multiply_by_power_of_two(row, -scale.value_or(0));
            result[static_cast<std::size_t>(i)] =
                frobenius_upper(row).scaled(a.exponent() + scale.value_or(0)) + a.radius();
        }
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
