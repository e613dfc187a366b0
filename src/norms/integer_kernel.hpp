#pragma once

#include <cstddef>
#include <cstdint>

#include "norms/tile_walk.hpp"

/// Exact products by the tile unit of a processor (AMX): of integers of 32 bits that are split into
/// four digits to the base 256, whose products it adds in integers [S12]. Packed blocks and sums
/// are aligned as a TileArray is.
namespace lipcert::integer_kernel {

inline constexpr std::ptrdiff_t kRows = 16;   ///< of either factor that are multiplied at a time
inline constexpr std::ptrdiff_t kDepth = 64;  ///< numbers of a row that are
inline constexpr std::ptrdiff_t kDigits = 4;

/// The largest integer whose digits are all in [-128, 127] that anybody may pack; the least is its
/// negative.
inline constexpr double kLargest = 0x7f7f7f7f;
/// The same where the first digit, or the first two, have to be zero, as nobody checks.
inline constexpr double kLargestOfThree = 0x7f7f7f;
inline constexpr double kLargestOfTwo = 0x7f7f;

/// How many digits count, the last ones of four. Three take half of the products of four, two a
/// quarter.
enum class Digits : std::uint8_t { two = 2, three = 3, four = 4 };

/// Digits, of one byte each, of so many rows with so many numbers each.
[[nodiscard]] constexpr std::ptrdiff_t packed_block(Digits digits) {
    return static_cast<std::ptrdiff_t>(digits) * kRows * kDepth;
}

/// Products of digits s and t, counted from 1, are added up for each level l = s + t. That of two
/// last digits is left out, but where there are no more than two. Where the unit would wait for a
/// sum, a level has two of them: level 6 of three digits, 7 of two.
inline constexpr int kLastLevel = 2 * static_cast<int>(kDigits) - 1;

/// Sums of a pair of blocks: kRows^2 for each level, row by row.
[[nodiscard]] constexpr std::ptrdiff_t sums_of_pair(Digits digits) {
    constexpr std::ptrdiff_t kSum = kRows * kRows;
    return digits == Digits::two ? 4 * kSum : digits == Digits::three ? 5 * kSum : 6 * kSum;
}

/// Rows of a factor are at most so long: a sum of four products of digits for each of so many
/// numbers is less than 2^31.
inline constexpr std::ptrdiff_t kLongest = 0x1 << 14;
static_assert(4 * kLongest * 128 * 128 < 0x1L << 31);

using Digit = std::int8_t;

/// Whether this processor has the unit and the system lets this process use it.
[[nodiscard]] bool is_available();

/// kRows columns of kDepth finite numbers: those of a row, or where `columns`, of a column, follow
/// each other; the next ones are `stride` numbers further on.
struct Numbers {
    const double* first;
    std::ptrdiff_t stride;
    bool columns;
};

/// Of the integers k = x - r next to the scaled numbers x of each column: the sums of r^2, as far
/// as float64 has them, and exactly those of the squares of last digits, where their products are
/// left out.
struct Squares {
    double rest[kRows] = {};
    std::int32_t last[kRows] = {};
};

/// Where a block is packed for either factor.
struct PackedBlock {
    Digit* left;
    Digit* right;
};

/// Packs the integers next to scales[j] times the numbers of column j, as the rows of either
/// factor, and adds to the squares: of at most kLongest numbers in each column before they
/// overflow. The scales are powers of two; the products are at most kLargest in magnitude,
/// kLargestOfThree, or kLargestOfTwo (integer_packing.cpp).
void pack(const Numbers& numbers,
          const double* scales,
          Digits digits,
          const PackedBlock& to,
          Squares& squares);

/// Of rows in units of kRows.
using Product = PackedProduct<Digit>;

/// The product into `sums`, exactly but for what is left out: sums_of_pair for each kRows rows of L
/// and each of R.
void multiply(const Product& product, Digits digits, std::int32_t* sums);

/// The levels of a pair of blocks as one number each: the sum over l of 256^(8 - l) times that of
/// level l, which is the product of the integers but for what is left out, rounded twice (of two
/// digits, of at most 2^13 rows, not at all), times a unit of its row and one of its column, powers
/// of two. kRows^2 of them, row by row.
void combine(const std::int32_t* sums,
             Digits digits,
             const double* row_units,
             const double* column_units,
             double* numbers);

}  // namespace lipcert::integer_kernel
