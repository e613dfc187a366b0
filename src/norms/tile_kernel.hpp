#pragma once

#include <cstddef>
#include <cstdint>

#include "norms/tile_walk.hpp"

/// Products by the tile unit of a processor (AMX): of numbers in float32 that are split into two of
/// bfloat16, whose product it adds in float32. Packed blocks and sums are aligned as a TileArray
/// is. For guesses: no bound rests on them.
namespace lipcert::tile_kernel {

inline constexpr std::ptrdiff_t kRows = 32;   ///< of either factor that are multiplied at a time
inline constexpr std::ptrdiff_t kDepth = 32;  ///< numbers of a row that are
/// Numbers of bfloat16 that so many rows with so many numbers each are split into.
inline constexpr std::ptrdiff_t kPackedBlock = 2 * kRows * kDepth;

using Packed = std::uint16_t;

/// Whether this processor has the unit and the system lets this process use it.
[[nodiscard]] bool is_available();

/// Packs kRows rows of kDepth numbers, `stride` numbers apart, for the left factor, the right one,
/// or both (else null): each number as the nearest one of bfloat16 and the one nearest to what is
/// left, so that 2^-17 of it is lost, and less than 2^-126 counts as zero. They are finite, and at
/// most 2^127.
void pack(const float* rows, std::ptrdiff_t stride, Packed* left, Packed* right);

/// Of rows in units of kRows.
using Product = PackedProduct<Packed>;

/// The product into `sums`: for each kRows rows of L, and for each of R, kRows^2 numbers row by
/// row in quarters of kQuarter^2. The product of the two lesser parts is left out.
void multiply(const Product& product, float* sums);

inline constexpr std::ptrdiff_t kQuarter = kRows / 2;

/// Where in a block of `sums` a quarter begins, in rows and columns of quarters.
[[nodiscard]] constexpr std::ptrdiff_t place_of(std::ptrdiff_t row, std::ptrdiff_t column) {
    return (row * 2 + column) * kQuarter * kQuarter;
}

/// A quarter, or its transpose, as rows that are `stride` numbers apart.
void put(const float* quarter, std::ptrdiff_t stride, float* to);
void put_transposed(const float* quarter, std::ptrdiff_t stride, float* to);

}  // namespace lipcert::tile_kernel
