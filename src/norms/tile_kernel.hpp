#pragma once

#include <cstddef>
#include <cstdint>

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

/// Which factor of a product a block is for.
enum class Side { left, right };

/// Packs kRows rows of kDepth numbers, `stride` numbers apart: each number as the nearest one of
/// bfloat16 and the one nearest to what is left, so that 2^-17 of it is lost, and less than 2^-126
/// counts as zero. They are finite, and at most 2^127.
void pack(const float* rows, std::ptrdiff_t stride, Side side, Packed* to);

/// Blocks of the same rows follow each other; the next rows are `pitch` numbers further on.
struct Blocks {
    const Packed* first;
    std::ptrdiff_t pitch;
    std::ptrdiff_t rows;  ///< in units of kRows
};

/// L R^T, `steps` blocks deep.
struct Product {
    Blocks left;
    Blocks right;
    std::ptrdiff_t steps;
};

/// The product into `sums`: for each kRows rows of L, and for each of R, kRows^2 numbers row by
/// row in quarters of 16 x 16. The product of the two lesser parts is left out.
void multiply(const Product& product, float* sums);

/// Where in a block of `sums` an entry stands.
[[nodiscard]] constexpr std::ptrdiff_t place_of(std::ptrdiff_t row, std::ptrdiff_t column) {
    constexpr std::ptrdiff_t kQuarter = kRows / 2;
    return ((row / kQuarter * 2 + column / kQuarter) * kQuarter + row % kQuarter) * kQuarter +
           column % kQuarter;
}

}  // namespace lipcert::tile_kernel
