#include "norms/scaling.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace lipcert {

std::optional<int> largest_exponent(const Matrix& matrix) {
    // Integer comparisons: the order of non-negative doubles is that of their bit patterns, and no
    // floating-point flag can hide a subnormal or a NaN.
    constexpr std::uint64_t kMagnitude = 0x7fffffffffffffffULL;
    constexpr std::uint64_t kInfinity = 0x7ff0000000000000ULL;
    std::uint64_t largest = 0;
    for (Eigen::Index i = 0; i < matrix.size(); ++i) {
        largest = std::max(largest, std::bit_cast<std::uint64_t>(matrix.data()[i]) & kMagnitude);
    }
    if (largest >= kInfinity) {
        throw Error(ErrorKind::internal,
                    "",
                    "a matrix with an infinite or NaN entry reached the norm engine; expected "
                    "finite entries");
    }
    if (largest == 0) {
        return std::nullopt;
    }
    int exponent = 0;
    std::frexp(std::bit_cast<double>(largest), &exponent);
    return exponent;
}

Eigen::Index multiply_by_power_of_two(Eigen::Ref<Matrix> matrix, long exponent) {
    constexpr long kOneStep = 1000;
    constexpr long kEverythingVanishes = -2200;  // 2^1024 * 2^-2200 < 2^-1074 / 2
    if (exponent == 0) {
        return 0;
    }
    long rest = std::max(exponent, kEverythingVanishes);
    // Several exact factors: 2^1074 as one factor would overflow. Scaling down rounds at most twice
    // among the subnormals: 2 * 2^-1075 <= underflow_unit().
    Eigen::Index before = exponent < 0 ? (matrix.array() != 0.0).count() : 0;
    while (rest != 0) {
        const long step = std::clamp(rest, -kOneStep, kOneStep);
        matrix *= std::ldexp(1.0, static_cast<int>(step));
        rest -= step;
    }
    // An entry that has become exactly 2^-1022 may have been rounded up to it.
    return exponent < 0 ? before - (matrix.array().abs() > 0x1p-1022).count() : 0;
}

Enclosure true_sum(double computed,
                   std::size_t operations,
                   std::size_t underflows,
                   Precision precision) {
    // |computed - s| <= gamma s + a  =>  (computed - a)/(1 + gamma) <= s <= (computed + a)/(1 -
    // gamma)
    const Upper relative = gamma(operations, precision);
    const Upper absolute = Upper::of_count(underflows) * underflow_unit(precision);
    return {(Lower::exact(computed) - absolute) / (Upper::exact(1.0) + relative),
            (Upper::exact(computed) + absolute) / (Lower::exact(1.0) - relative)};
}

Enclosure sum_of_squares(const Eigen::Ref<const Matrix>& matrix) {
    const Vector of_rows = matrix.rowwise().squaredNorm();
    const auto size = static_cast<std::size_t>(matrix.size());
    // One product and at most cols + rows additions lie on the path of every term.
    return true_sum(
        of_rows.sum(), static_cast<std::size_t>(matrix.rows() + matrix.cols() + 1), 8 * size);
}

Upper frobenius_upper(const Eigen::Ref<const Matrix>& matrix) {
    return sqrt(sum_of_squares(matrix).upper());
}

}  // namespace lipcert
