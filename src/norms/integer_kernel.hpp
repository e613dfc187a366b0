#pragma once

#include <cstddef>
#include <cstdint>

/// Exact products of matrices of 16-bit integers, each split into two signed bytes, by the tile
/// unit of the processor (AMX, 8 bits) where it has one. Sums of integers know no rounding: every
/// kernel gives the same numbers.
namespace lipcert::integer {

/// Rows (columns) that one call takes at a time, and the step of the inner dimension.
inline constexpr std::ptrdiff_t kSide = 32;
inline constexpr std::ptrdiff_t kStep = 64;
inline constexpr std::ptrdiff_t kTile = 1024;  ///< bytes: 16 rows of 64

/// What a row index of 32 consecutive rows and a step of 64 look like in memory: the high bytes of
/// rows 0-15, of rows 16-31, then the low bytes likewise.
inline constexpr std::ptrdiff_t kStepBytes = 4 * kTile;

/// Splits an integer of at most kLargest in magnitude: value = 256 high + low.
inline constexpr int kLargest = 32639;

/// The left operand: a tile holds 16 rows of 64 inner positions. The right operand: a tile holds 16
/// groups of 4 inner positions, each for all 16 rows: word r of row g of it is word g of row r of
/// the left one.
void transpose_words(const std::int8_t* left, std::int8_t* right);

/// The three levels of a block of 32 x 32: the product is 65536 high + 256 middle + low.
struct Block {
    std::int32_t high[kSide * kSide];
    std::int32_t middle[kSide * kSide];
    std::int32_t low[kSide * kSide];
};

/// Sums over `steps` steps, at most 512 of them (an inner dimension of 2^15): |high| <= 2^15 *
/// 127^2 and |middle| <= 2 * 2^15 * 128 * 127 < 2^31.
using Kernel = void (*)(const std::int8_t* left, const std::int8_t* right, int steps, Block& block);

/// The same loops on every processor: what the fast kernel is held against.
void multiply_portably(const std::int8_t* left, const std::int8_t* right, int steps, Block& block);

/// The kernel for the tile unit, or nothing where the processor or the system has none, or where it
/// does not reproduce the portable one on a probe (asked once per process).
[[nodiscard]] Kernel fast_kernel();

}  // namespace lipcert::integer
