#include "norms/integer_kernel.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <cstring>

#include "norms/square.hpp"
#include "norms/tile_unit.hpp"
#include "norms/vector_variants.hpp"

#define LIPCERT_LONG_VECTORS __attribute__((target("avx512f,avx512dq,avx512bw")))

namespace lipcert::integer_kernel {

namespace {

static_assert(kRows == tile_unit::kTile && kDepth == tile_unit::kBytesOfRow);

constexpr std::ptrdiff_t kTile = kRows * kDepth;   ///< digits of one place in a block
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
LIPCERT_LONG_VECTORS void split(const std::int32_t (*integers)[kRows],
                                Digits digits,
                                Digit* left,
                                Digit* right) {
    for (int digit = static_cast<int>(digits) - 1; digit >= 0; --digit) {
        const int shift = 8 * digit;
        Words tile[kQuads];
        for (std::ptrdiff_t quad = 0; quad < kQuads; ++quad) {
            tile[quad] = Words{};
            for (std::ptrdiff_t i = 0; i < kQuad; ++i) {
                const Words bytes = digits_of(integers[quad * kQuad + i]);
                tile[quad] |= (bytes >> shift & 0xffU) << static_cast<int>(8 * i);
            }
        }
        std::memcpy(right, tile, sizeof tile);
        square::transpose<std::uint32_t>(tile);
        std::memcpy(left, tile, sizeof tile);
        left += kTile;
        right += kTile;
    }
}

}  // namespace

void pack(const Numbers& numbers,
          const double* scales,
          Digits digits,
          const PackedBlock& to,
          Squares& squares) {
    alignas(square::kBytes) std::int32_t integers[kDepth][kRows];
    round(numbers, scales, integers, squares.rest);
    if (digits != Digits::two) {
        add_squares(integers, squares.last);
    }
    split(integers, digits, to.left, to.right);
}

}  // namespace lipcert::integer_kernel

#else

namespace lipcert::integer_kernel {

void pack(const Numbers& /*numbers*/,
          const double* /*scales*/,
          Digits /*digits*/,
          const PackedBlock& /*to*/,
          Squares& /*squares*/) {}

}  // namespace lipcert::integer_kernel

#endif
