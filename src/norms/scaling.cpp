#include "norms/scaling.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

#include "norms/parallel.hpp"

namespace lipcert {

namespace {

/// How many terms are added up in double before the sum becomes a pair of bounds: a sum of squares
/// passes through at most about twice as many roundings, however long it is.
constexpr Eigen::Index kSumLength = 1024;

}  // namespace

std::optional<int> largest_exponent(const Matrix& matrix) {
    // Integer comparisons: the order of non-negative doubles is that of their bit patterns, and no
    // floating-point flag can hide a subnormal or a NaN.
    constexpr std::uint64_t kMagnitude = 0x7fffffffffffffffULL;
    constexpr std::uint64_t kInfinity = 0x7ff0000000000000ULL;
    std::atomic<std::uint64_t> largest = 0;
    for_each_row_range(matrix.rows(), matrix.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        std::uint64_t here = 0;
        for (Eigen::Index i = begin * matrix.cols(); i < end * matrix.cols(); ++i) {
            here = std::max(here, std::bit_cast<std::uint64_t>(matrix.data()[i]) & kMagnitude);
        }
        std::uint64_t before = largest;
        while (before < here && !largest.compare_exchange_weak(before, here)) {
        }
    });
    if (largest.load() >= kInfinity) {
        throw Error(ErrorKind::internal,
                    "",
                    "a matrix with an infinite or NaN entry reached the norm engine; expected "
                    "finite entries");
    }
    if (largest.load() == 0) {
        return std::nullopt;
    }
    int exponent = 0;
    std::frexp(std::bit_cast<double>(largest.load()), &exponent);
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
    if (!(matrix.array() != 0.0).any()) {
        return {};  // no rounding, and no underflow that 0 could stand for
    }
    const Eigen::Index width = std::min(matrix.cols(), kSumLength);
    Enclosure total;
    double sum = 0.0;
    Eigen::Index slices = 0;
    const auto flush = [&] {
        // One product, at most width - 1 additions in its slice and `slices` to the sum lie on the
        // path of every term.
        const auto entries = static_cast<std::size_t>(slices * width);
        const Enclosure part =
            true_sum(sum, static_cast<std::size_t>(width + slices + 1), 8 * entries);
        total = {total.lower() + part.lower(), total.upper() + part.upper()};
        sum = 0.0;
        slices = 0;
    };
    for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
        for (Eigen::Index begin = 0; begin < matrix.cols(); begin += width) {
            const Eigen::Index count = std::min(width, matrix.cols() - begin);
            sum += matrix.row(i).segment(begin, count).squaredNorm();
            if (++slices == kSumLength) {
                flush();
            }
        }
    }
    flush();
    return total;
}

Upper frobenius_upper(const Eigen::Ref<const Matrix>& matrix) {
    return sqrt(sum_of_squares(matrix).upper());
}

}  // namespace lipcert
