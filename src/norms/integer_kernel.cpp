#include "norms/integer_kernel.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "norms/tile_unit.hpp"

namespace lipcert::integer {

namespace {

using Index = std::ptrdiff_t;

constexpr Index kWord = 4;

struct Rounded {
    std::int32_t value;
    double lost;
};

Rounded round_to_integer(double x) {
    // Adding 1.5 * 2^52 leaves no bit behind the binary point; the integer is in the low bits, and
    // x minus it is exact: below 1 in magnitude, and a multiple of the last bit of x.
    constexpr double kShift = 0x1.8p52;
    const double shifted = x + kShift;
    return {static_cast<std::int32_t>(std::bit_cast<std::int64_t>(shifted)),
            x - (shifted - kShift)};
}

/// 256 high + low of a column in a step of a left operand.
std::int64_t left_value(const std::int8_t* step, Index col, Index row) {
    const Index place = col / kHalf * kTile + col % kHalf * kStep + row;
    return std::int64_t{step[place]} * 256 + step[kToLowBytes + place];
}

std::int64_t right_value(const std::int8_t* step, Index col, Index row) {
    const Index place =
        col / kHalf * kTile + row / kWord * kStep + col % kHalf * kWord + row % kWord;
    return std::int64_t{step[place]} * 256 + step[kToLowBytes + place];
}

void multiply(const std::int8_t* left, const std::int8_t* right, int steps, double* product) {
    for (Index i = 0; i < kSide; ++i) {
        for (Index j = 0; j < kSide; ++j) {
            std::int64_t sum = 0;
            for (Index step = 0; step < steps; ++step) {
                for (Index row = 0; row < kStep; ++row) {
                    sum += left_value(left + step * kStepBytes, i, row) *
                           right_value(right + step * kStepBytes, j, row);
                }
            }
            product[i * kSide + j] = static_cast<double>(sum);
        }
    }
}

void add(const double* product, const Target& target) {
    Target row = target;
    for (Index i = 0; i < kSide; ++i) {
        add_row(product + i * kSide, target.row_units[i], row, kSide);
        row.numbers += target.row_step;
    }
}

void round(const Strip& strip, const Tiles& tiles) {
    round_strip(strip, kStep, kHalf, tiles);
}

constexpr Kernel kPortable{&multiply, &add, &round};

/// A product and a rounding in both layouts, with every kind of byte.
bool reproduces_portable(const Kernel& kernel) {
    constexpr Index kSteps = 2;
    double numbers[kStep * kHalf];
    std::uint32_t state = 1;
    for (double& number : numbers) {
        state = state * 1664525U + 1013904223U;
        number = static_cast<double>(static_cast<std::int32_t>(state)) * 0x1p-16;  // +-32768
        number = std::clamp(number, -double{kLargest}, double{kLargest});
    }
    double per_unit[kHalf];
    std::fill_n(per_unit, kHalf, 1.0);
    double units[kSide];
    std::fill_n(units, kSide, 0.5);
    std::int8_t left[2][kSteps * kStepBytes] = {};
    std::int8_t right[2][kSteps * kStepBytes] = {};
    double product[2][kSide * kSide];
    float sums[2][kSide * kSide];
    const Kernel* const kernels[2] = {&kPortable, &kernel};
    for (int k = 0; k < 2; ++k) {
        double lost[kHalf] = {};
        for (Index part = 0; part < 2 * kSteps; ++part) {
            const bool by_rows = part % 2 == 0;
            const Strip strip{numbers, by_rows ? kHalf : 1, by_rows ? 1 : kStep, per_unit, lost};
            const Index place = part / 2 * kStepBytes + part % 2 * kTile;
            kernels[k]->round(strip, {left[k] + place, right[k] + place});
        }
        kernels[k]->multiply(left[k], right[k], int{kSteps}, product[k]);
        std::fill_n(sums[k], kSide * kSide, 0x1p30F);  // of the size of the products
        kernels[k]->add(product[k], {sums[k], kSide, units, units});
    }
    return std::equal(std::begin(left[0]), std::end(left[0]), left[1]) &&
           std::equal(std::begin(right[0]), std::end(right[0]), right[1]) &&
           std::equal(std::begin(product[0]), std::end(product[0]), product[1]) &&
           std::equal(std::begin(sums[0]), std::end(sums[0]), sums[1]);
}

}  // namespace

void transpose_words(const std::int8_t* from, std::int8_t* to) {
    for (Index i = 0; i < kHalf; ++i) {
        for (Index word = 0; word < kHalf; ++word) {
            std::memcpy(to + word * kStep + i * kWord, from + i * kStep + word * kWord, kWord);
        }
    }
}

void add_row(const double* product, double row_unit, const Target& target, Index cols) {
    for (Index j = 0; j < cols; ++j) {
        const double value = product[j] * (row_unit * target.col_units[j]);  // exact
        target.numbers[j] = static_cast<float>(static_cast<double>(target.numbers[j]) + value);
    }
}

void round_strip(const Strip& strip, Index rows, Index cols, const Tiles& tiles) {
    std::int8_t* const high = tiles.left;
    std::int8_t* const low = tiles.left + kToLowBytes;
    std::fill_n(high, kTile, std::int8_t{0});
    std::fill_n(low, kTile, std::int8_t{0});
    for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < cols; ++j) {
            const double number = strip.data[i * strip.row_step + j * strip.col_step];
            const Rounded rounded = round_to_integer(number * strip.per_unit[j]);
            strip.lost[j] += rounded.lost * rounded.lost;
            const auto low_byte = static_cast<std::int8_t>(rounded.value);  // modulo 256
            low[j * kStep + i] = low_byte;
            high[j * kStep + i] = static_cast<std::int8_t>((rounded.value - low_byte) / 256);
        }
    }
    transpose_words(high, tiles.right);
    transpose_words(low, tiles.right + kToLowBytes);
}

const Kernel& portable_kernel() {
    return kPortable;
}

const Kernel* fast_kernel() {
    static const Kernel* const usable = [] {
        const Kernel* const unit = tile_unit();
        return unit != nullptr && reproduces_portable(*unit) ? unit : nullptr;
    }();
    return usable;
}

}  // namespace lipcert::integer
