#include "norms/scaling.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "norms/parallel.hpp"

namespace lipcert {

namespace {

/// A sum of squares is added up in double over this many slices of rows of this length, before it
/// becomes a pair of bounds: the number of roundings does not grow with the matrix.
constexpr Eigen::Index kSliceLength = 1024;
constexpr Eigen::Index kSlicesAtOnce = 64;

/// The largest key(entry).
template <typename Key>
std::uint64_t largest_of(const Matrix& matrix, const Key& key) {
    using Number = decltype(key(0.0));
    std::atomic<std::uint64_t> largest = 0;
    for_each_row_range(matrix.rows(), matrix.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        Number here = 0;
        for (Eigen::Index i = begin * matrix.cols(); i < end * matrix.cols(); ++i) {
            here = std::max(here, key(matrix.data()[i]));
        }
        const auto found = static_cast<std::uint64_t>(here);
        std::uint64_t before = largest;
        while (before < found && !largest.compare_exchange_weak(before, found)) {
        }
    });
    return largest.load();
}

}  // namespace

std::optional<int> largest_exponent(const Matrix& matrix) {
    // Integer comparisons: the order of non-negative doubles is that of their bit patterns, and no
    // floating-point flag can hide a subnormal or a NaN. The upper half tells the exponent.
    constexpr std::uint64_t kInfinity = 0x7ff0000000000000ULL;
    constexpr std::uint64_t kSmallestNormal = 0x0010000000000000ULL;
    const auto upper_half = [](double entry) {
        return static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(entry) >> 32U & 0x7fffffffU);
    };
    std::uint64_t largest = largest_of(matrix, upper_half) << 32U;
    if (largest < kSmallestNormal) {
        largest = largest_of(matrix, [](double entry) {
            return std::bit_cast<std::uint64_t>(entry) & 0x7fffffffffffffffULL;
        });
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

std::optional<int> exponent_of_some(const Matrix& matrix) {
    constexpr Eigen::Index kRows = 16;
    const Eigen::Index step = std::max<Eigen::Index>(matrix.rows() / kRows, 1);
    double largest = 0.0;
    for (Eigen::Index i = 0; i < matrix.rows() && matrix.cols() > 0; i += step) {
        const auto row = matrix.row(i).cwiseAbs();
        if (!row.allFinite()) {
            return std::nullopt;
        }
        largest = std::max(largest, row.maxCoeff());
    }
    if (largest == 0.0) {
        return std::nullopt;
    }
    int exponent = 0;
    std::frexp(largest, &exponent);
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
    std::vector<double> factors;
    while (rest != 0) {
        const long step = std::clamp(rest, -kOneStep, kOneStep);
        factors.push_back(std::ldexp(1.0, static_cast<int>(step)));
        rest -= step;
    }
    std::atomic<Eigen::Index> lost = 0;
    for_each_row_range(matrix.rows(), matrix.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        auto rows = matrix.middleRows(begin, end - begin);
        const Eigen::Index before = exponent < 0 ? (rows.array() != 0.0).count() : 0;
        for (const double factor : factors) {
            rows *= factor;
        }
        // An entry that has become exactly 2^-1022 may have been rounded up to it.
        lost += exponent < 0 ? before - (rows.array().abs() > 0x1p-1022).count() : 0;
    });
    return lost;
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
    const Eigen::Index width = std::min(matrix.cols(), kSliceLength);
    const Eigen::Index slices_of_row = (matrix.cols() + width - 1) / width;
    const Eigen::Index slices = matrix.rows() * slices_of_row;
    std::vector<Enclosure> parts(
        static_cast<std::size_t>((slices + kSlicesAtOnce - 1) / kSlicesAtOnce));
    for_each_piece(
        static_cast<Eigen::Index>(parts.size()),
        operations_of_pass(matrix.rows(), matrix.cols()),
        [&](Eigen::Index piece) {
            const Eigen::Index begin = piece * kSlicesAtOnce;
            const Eigen::Index end = std::min(begin + kSlicesAtOnce, slices);
            double sum = 0.0;
            for (Eigen::Index slice = begin; slice < end; ++slice) {
                const Eigen::Index first = slice % slices_of_row * width;
                const Eigen::Index length = std::min(width, matrix.cols() - first);
                sum += matrix.row(slice / slices_of_row).segment(first, length).squaredNorm();
            }
            // One product, at most width - 1 additions in its slice and one for each
            // slice lie on the path of every term.
            const auto roundings = static_cast<std::size_t>(width + end - begin + 1);
            const auto entries = static_cast<std::size_t>((end - begin) * width);
            parts[static_cast<std::size_t>(piece)] = true_sum(sum, roundings, 8 * entries);
        });
    Enclosure total;
    for (const Enclosure& part : parts) {
        total = {total.lower() + part.lower(), total.upper() + part.upper()};
    }
    return total;
}

Upper frobenius_upper(const Eigen::Ref<const Matrix>& matrix) {
    return sqrt(sum_of_squares(matrix).upper());
}

}  // namespace lipcert
