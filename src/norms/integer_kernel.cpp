#include "norms/integer_kernel.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <algorithm>
#include <atomic>
#include <cstring>
#include <immintrin.h>

#include "norms/prefetched.hpp"
#include "norms/square.hpp"
#include "norms/tile_unit.hpp"
#include "norms/vector_variants.hpp"

#define LIPCERT_TILES __attribute__((target("amx-tile,amx-int8,avx512f")))
#define LIPCERT_LONG_VECTORS __attribute__((target("avx512f,avx512dq,avx512bw")))

namespace lipcert::integer_kernel {

namespace {

using tile_unit::kBytesOfRow;
static_assert(kRows == tile_unit::kTile && kDepth == kBytesOfRow);

constexpr std::ptrdiff_t kTile = kRows * kDepth;   ///< digits of one place in a block
constexpr std::ptrdiff_t kLevel = kRows * kRows;   ///< sums of a level
constexpr std::ptrdiff_t kHalf = kRows / 2;        ///< doubles of a vector
constexpr std::ptrdiff_t kQuad = 4;                ///< digits that are multiplied together
constexpr std::ptrdiff_t kQuads = kDepth / kQuad;  ///< of a row in a block

using Doubles = square::Vector<double>;
using Integers = square::Vector<std::int32_t>;
using Words = square::Vector<std::uint32_t>;
using LongIntegers = square::Vector<std::int64_t>;
using HalfIntegers __attribute__((vector_size(square::kBytes / 2))) = std::int32_t;

/// kHalf rows of half of the columns.
LIPCERT_LONG_VECTORS LIPCERT_INSIDE void read(const Numbers& numbers,
                                              std::ptrdiff_t row,
                                              std::ptrdiff_t column,
                                              Doubles* to) {
    if (numbers.columns) {
        square::read<double>(numbers.first + column * numbers.stride + row, numbers.stride, to);
        return;
    }
    const double* from = numbers.first + row * numbers.stride + column;
    for (std::ptrdiff_t i = 0; i < kHalf; ++i, from += numbers.stride) {
        std::memcpy(&to[i], from, sizeof(Doubles));
    }
}

/// The integers next to the scaled numbers, and the squares of what is left.
LIPCERT_LONG_VECTORS void round(const Numbers& numbers,
                                const double* scales,
                                std::int32_t (*to)[kRows],
                                double* rest) {
    // Added to a number of at most 2^31 it leaves no bit for a fraction, and the integer as the
    // lower half; the two subtractions are exact [S12].
    constexpr double kShift = 0x1.8p52;
    for (std::ptrdiff_t column = 0; column < kRows; column += kHalf) {
        Doubles scale;
        Doubles squares;
        std::memcpy(&scale, scales + column, sizeof scale);
        std::memcpy(&squares, rest + column, sizeof squares);
        for (std::ptrdiff_t row = 0; row < kDepth; row += kHalf) {
            Doubles scaled[kHalf];
            read(numbers, row, column, scaled);
            for (std::ptrdiff_t i = 0; i < kHalf; ++i) {
                const Doubles x = scaled[i] * scale;
                const Doubles shifted = x + kShift;
                const Doubles left = x - (shifted - kShift);
                squares += left * left;
                LongIntegers bits;
                std::memcpy(&bits, &shifted, sizeof bits);
                const auto integers = __builtin_convertvector(bits, HalfIntegers);
                std::memcpy(&to[row + i][column], &integers, sizeof integers);
            }
        }
        std::memcpy(rest + column, &squares, sizeof squares);
    }
}

/// The digits of an integer as its four bytes, the first one on top: bytes of k + 128 (1 + 256 +
/// ...) are digits plus 128.
LIPCERT_LONG_VECTORS LIPCERT_INSIDE Words digits_of(const std::int32_t* integers) {
    constexpr std::uint32_t kBias = 0x80808080U;
    Words words;
    std::memcpy(&words, integers, sizeof words);
    return (words + kBias) ^ kBias;
}

/// Adds the squares of the last digits.
LIPCERT_LONG_VECTORS void add_squares(const std::int32_t (*integers)[kRows], std::int32_t* sums) {
    constexpr int kBitsAbove = 24;
    Integers squares;
    std::memcpy(&squares, sums, sizeof squares);
    for (std::ptrdiff_t row = 0; row < kDepth; ++row) {
        const Words on_top = digits_of(integers[row]) << kBitsAbove;
        Integers digits;
        std::memcpy(&digits, &on_top, sizeof digits);
        digits >>= kBitsAbove;
        squares += digits * digits;
    }
    std::memcpy(sums, &squares, sizeof squares);
}

/// A tile of a right factor holds four digits of each column in a row, that of a left one those of
/// a column in a row: its transpose, four digits as one.
LIPCERT_LONG_VECTORS void split(const std::int32_t (*integers)[kRows], Digit* left, Digit* right) {
    for (std::ptrdiff_t digit = 0; digit < kDigits; ++digit) {
        const int shift = static_cast<int>(8 * (kDigits - 1 - digit));
        Words tile[kQuads];
        for (std::ptrdiff_t quad = 0; quad < kQuads; ++quad) {
            tile[quad] = Words{};
            for (std::ptrdiff_t i = 0; i < kQuad; ++i) {
                const Words digits = digits_of(integers[quad * kQuad + i]);
                tile[quad] |= (digits >> shift & 0xffU) << static_cast<int>(8 * i);
            }
        }
        std::memcpy(right + digit * kTile, tile, sizeof tile);
        square::transpose<std::uint32_t>(tile);
        std::memcpy(left + digit * kTile, tile, sizeof tile);
    }
}

/// Steps of one block of each factor.
struct Steps {
    const Digit* left;
    const Digit* right;
    std::ptrdiff_t count;
    bool is_first;  ///< whether the sums start from zero
};

/// Register l - 2 sums level l.
LIPCERT_TILES LIPCERT_INSIDE void load_sums(const std::int32_t* sums) {
    _tile_loadd(0, sums, kBytesOfRow);
    _tile_loadd(1, sums + kLevel, kBytesOfRow);
    _tile_loadd(2, sums + 2 * kLevel, kBytesOfRow);
    _tile_loadd(3, sums + 3 * kLevel, kBytesOfRow);
    _tile_loadd(4, sums + 4 * kLevel, kBytesOfRow);
    _tile_loadd(5, sums + 5 * kLevel, kBytesOfRow);
}

LIPCERT_TILES LIPCERT_INSIDE void clear_sums() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
}

LIPCERT_TILES LIPCERT_INSIDE void store_sums(std::int32_t* sums) {
    _tile_stored(0, sums, kBytesOfRow);
    _tile_stored(1, sums + kLevel, kBytesOfRow);
    _tile_stored(2, sums + 2 * kLevel, kBytesOfRow);
    _tile_stored(3, sums + 3 * kLevel, kBytesOfRow);
    _tile_stored(4, sums + 4 * kLevel, kBytesOfRow);
    _tile_stored(5, sums + 5 * kLevel, kBytesOfRow);
}

/// Pairs (s, t) of digits in an order in which each shares one with the pair before, and a register
/// of sums rests for two products, which is how long one takes: with the two greater digits of the
/// left factor.
LIPCERT_TILES LIPCERT_INSIDE void add_greater(const Digit* left, const Digit* right) {
    _tile_loadd(6, left, kBytesOfRow);
    _tile_loadd(7, right, kBytesOfRow);
    _tile_dpbssd(0, 6, 7);  // (1, 1)
    _tile_loadd(7, right + kTile, kBytesOfRow);
    _tile_dpbssd(1, 6, 7);  // (1, 2)
    _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(2, 6, 7);  // (1, 3)
    _tile_loadd(7, right + 3 * kTile, kBytesOfRow);
    _tile_dpbssd(3, 6, 7);  // (1, 4)
    _tile_loadd(6, left + kTile, kBytesOfRow);
    _tile_dpbssd(4, 6, 7);  // (2, 4)
    _tile_loadd(7, right, kBytesOfRow);
    _tile_dpbssd(1, 6, 7);  // (2, 1)
    _tile_loadd(7, right + kTile, kBytesOfRow);
    _tile_dpbssd(2, 6, 7);  // (2, 2)
    _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(3, 6, 7);  // (2, 3)
}

/// With the two lesser ones, right after that: the third digits of the right factor are loaded.
LIPCERT_TILES LIPCERT_INSIDE void add_lesser(const Digit* left, const Digit* right) {
    _tile_loadd(6, left + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(4, 6, 7);  // (3, 3)
    _tile_loadd(7, right, kBytesOfRow);
    _tile_dpbssd(2, 6, 7);  // (3, 1)
    _tile_loadd(7, right + 3 * kTile, kBytesOfRow);
    _tile_dpbssd(5, 6, 7);  // (3, 4)
    _tile_loadd(7, right + kTile, kBytesOfRow);
    _tile_dpbssd(3, 6, 7);  // (3, 2)
    _tile_loadd(6, left + 3 * kTile, kBytesOfRow);
    _tile_dpbssd(4, 6, 7);  // (4, 2)
    _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(5, 6, 7);  // (4, 3)
    _tile_loadd(7, right, kBytesOfRow);
    _tile_dpbssd(3, 6, 7);  // (4, 1)
}

/// The same where the first digits are zero.
LIPCERT_TILES LIPCERT_INSIDE void add_three_digits(const Digit* left, const Digit* right) {
    _tile_loadd(6, left + kTile, kBytesOfRow);
    _tile_loadd(7, right + kTile, kBytesOfRow);
    _tile_dpbssd(2, 6, 7);  // (2, 2)
    _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(3, 6, 7);  // (2, 3)
    _tile_loadd(7, right + 3 * kTile, kBytesOfRow);
    _tile_dpbssd(4, 6, 7);  // (2, 4)
    _tile_loadd(6, left + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(5, 6, 7);  // (3, 4)
    _tile_loadd(7, right + kTile, kBytesOfRow);
    _tile_dpbssd(3, 6, 7);  // (3, 2)
    _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
    _tile_dpbssd(4, 6, 7);  // (3, 3)
    _tile_loadd(6, left + 3 * kTile, kBytesOfRow);
    _tile_dpbssd(5, 6, 7);  // (4, 3)
    _tile_loadd(7, right + kTile, kBytesOfRow);
    _tile_dpbssd(4, 6, 7);  // (4, 2)
}

template <Digits kCounted>
LIPCERT_TILES LIPCERT_INSIDE void add_steps(const Steps& steps,
                                            Prefetched left_soon,
                                            Prefetched right_soon,
                                            std::int32_t* sums) {
    if (steps.is_first) {
        clear_sums();
    } else {
        load_sums(sums);
    }
    const Digit* left = steps.left;
    const Digit* right = steps.right;
    for (std::ptrdiff_t step = 0; step < steps.count; ++step) {
        if constexpr (kCounted == Digits::three) {
            add_three_digits(left, right);
            left_soon.fetch_some();
        } else {
            add_greater(left, right);
            left_soon.fetch_some();
            add_lesser(left, right);
        }
        right_soon.fetch_some();
        left += kPackedBlock;
        right += kPackedBlock;
    }
    store_sums(sums);
}

/// Steps that are taken with all strips before the next ones: both factors' blocks, those of the
/// next steps and the sums fit the second cache.
constexpr std::ptrdiff_t kChunk = 8;

template <Digits kCounted>
LIPCERT_TILES void form_sums(const Product& product, std::int32_t* sums) {
    const Strips& left = product.left;
    const Strips& right = product.right;
    _tile_loadconfig(&tile_unit::kFullTiles);
    for (std::ptrdiff_t step = 0; step < product.steps; step += kChunk) {
        const std::ptrdiff_t count = std::min(kChunk, product.steps - step);
        for (std::ptrdiff_t i = 0; i < left.count; ++i) {
            const Digit* const row = left.first + i * left.pitch + step * kPackedBlock;
            const std::ptrdiff_t columns = product.is_lower ? i + 1 : right.count;
            for (std::ptrdiff_t j = 0; j < columns; ++j) {
                const Digit* const column = right.first + j * right.pitch + step * kPackedBlock;
                // Of what comes next in this row and in this column, a part in each other one.
                constexpr std::ptrdiff_t kNext = kChunk * kPackedBlock;
                add_steps<kCounted>({row, column, count, step == 0},
                                    Prefetched(row, kNext + j * kNext / right.count),
                                    Prefetched(column, kNext + i * kNext / left.count),
                                    sums + (i * right.count + j) * kSums);
            }
        }
    }
    _tile_release();
}

LIPCERT_LONG_VECTORS void combine_levels(const std::int32_t* sums,
                                         const double* row_units,
                                         const double* column_units,
                                         double* numbers) {
    // 256^(8 - l) of the last level, and of the one before.
    constexpr double kLast = 0x1p8;
    constexpr double kBeforeLast = 0x1p16;
    static_assert(kLastLevel == 7);
    constexpr std::ptrdiff_t kExact = kLevels - 1;  // that an integer of 64 bits has room for
    for (std::ptrdiff_t i = 0; i < kRows; ++i) {
        for (std::ptrdiff_t j = 0; j < kRows; ++j) {
            const std::int32_t* const level = sums + i * kRows + j;
            std::int64_t sum = level[0];
            for (std::ptrdiff_t l = 1; l < kExact; ++l) {
                sum = sum * 256 + level[l * kLevel];
            }
            numbers[i * kRows + j] =
                (kBeforeLast * static_cast<double>(sum) + kLast * level[kExact * kLevel]) *
                (row_units[i] * column_units[j]);
        }
    }
}

}  // namespace

bool is_available() {
    static const bool result = tile_unit::multiplies(tile_unit::Numbers::int8);
    return result;
}

void pack(
    const Numbers& numbers, const double* scales, Digit* left, Digit* right, Squares& squares) {
    alignas(square::kBytes) std::int32_t integers[kDepth][kRows];
    round(numbers, scales, integers, squares.rest);
    add_squares(integers, squares.last);
    split(integers, left, right);
}

void multiply(const Product& product, std::int32_t* sums) {
    // What loads tiles does not say what it reads.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (product.digits == Digits::three) {
        form_sums<Digits::three>(product, sums);
    } else {
        form_sums<Digits::four>(product, sums);
    }
}

void combine(const std::int32_t* sums,
             const double* row_units,
             const double* column_units,
             double* numbers) {
    combine_levels(sums, row_units, column_units, numbers);
}

}  // namespace lipcert::integer_kernel

#else

namespace lipcert::integer_kernel {

bool is_available() {
    return false;
}

void pack(const Numbers& /*numbers*/,
          const double* /*scales*/,
          Digit* /*left*/,
          Digit* /*right*/,
          Squares& /*squares*/) {}

void multiply(const Product& /*product*/, std::int32_t* /*sums*/) {}

void combine(const std::int32_t* /*sums*/,
             const double* /*row_units*/,
             const double* /*column_units*/,
             double* /*numbers*/) {}

}  // namespace lipcert::integer_kernel

#endif
