#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "norms/parallel.hpp"
#include <Eigen/Core>

namespace lipcert::estimate {

/// What a random vector has to be filtered by to become one of the space that is wanted.
inline constexpr double kFromRandom = 3e6;

/// Where a filter keeps small what it finds.
struct Interval {
    double centre = 0.0;
    double half_width = 1.0;
};

/// [0, end], but no shorter than [0, least]: rounding may see a spectrum end below 0.
[[nodiscard]] inline Interval from_zero(double end, double least) {
    const double half = 0.5 * std::max(end, least);
    return {half, half};
}

/// result = rows A for a symmetric A.
template <typename Rows>
using Product = std::function<void(const Rows& rows, Rows& result)>;

/// rows <- rows T((A - centre)/half_width), T the Chebyshev polynomial of this degree, at least
/// one: what lies in the interval stays, and what lies beyond it grows.
template <typename Rows>
void apply_chebyshev(const Product<Rows>& times, const Interval& kept, int degree, Rows& rows) {
    using Number = typename Rows::Scalar;
    const auto factor = static_cast<Number>(1.0 / kept.half_width);
    const auto shift = static_cast<Number>(kept.centre / kept.half_width);
    Rows before = rows;
    Rows image;
    for (int i = 1; i <= degree; ++i) {
        times(rows, image);
        // T_1 = x, T_i = 2 x T_(i-1) - T_(i-2).
        const auto twice = static_cast<Number>(i == 1 ? 1 : 2);
        const auto less = static_cast<Number>(i == 1 ? 0 : 1);
        for_each_row_range(rows.rows(), rows.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            const auto next = image.middleRows(begin, end - begin);
            const auto last = rows.middleRows(begin, end - begin);
            auto last_but_one = before.middleRows(begin, end - begin);
            last_but_one = twice * (factor * next - shift * last) - less * last_but_one;
        });
        std::swap(rows, before);
    }
}

/// By what a Chebyshev polynomial grows at `value` with each degree.
[[nodiscard]] inline double chebyshev_growth(double value, const Interval& kept) {
    const double x = std::max(std::abs(value - kept.centre) / kept.half_width, 1.0);
    return x + std::sqrt(x * x - 1.0);
}

/// The degree that lets `value` grow to `wanted`.
[[nodiscard]] inline double degrees_for(double wanted, double value, const Interval& kept) {
    constexpr double kLeastGrowth = 1.001;
    return std::ceil(std::log(std::max(wanted, 1.0)) /
                     std::log(std::max(chebyshev_growth(value, kept), kLeastGrowth)));
}

}  // namespace lipcert::estimate
