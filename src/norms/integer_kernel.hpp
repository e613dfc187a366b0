#pragma once

#include <cstddef>
#include <cstdint>

/// Exact products of matrices of 16-bit integers, each split into two signed bytes, by the tile
/// unit of the processor (AMX, 8 bits) where it has one. Sums of integers know no rounding: every
/// kernel gives the same numbers.
namespace lipcert::integer {

/// Columns of the rounded matrix that one product takes of each operand, and its step along the
/// rows.
inline constexpr std::ptrdiff_t kSide = 32;
inline constexpr std::ptrdiff_t kStep = 64;
/// A tile holds 64 rows of 16 columns, a byte each.
inline constexpr std::ptrdiff_t kHalf = kSide / 2;
inline constexpr std::ptrdiff_t kTile = kStep * kHalf;
/// A step of an operand: the high bytes of columns 0-15, of columns 16-31, then the low bytes.
inline constexpr std::ptrdiff_t kStepBytes = 4 * kTile;
inline constexpr std::ptrdiff_t kToLowBytes = 2 * kTile;

/// The largest magnitude of an integer 256 high + low with -127 <= high <= 127, -128 <= low <= 127.
inline constexpr int kLargest = 32639;

/// Tiles of high bytes; those of the low ones lie kToLowBytes further. In the left operand the 64
/// bytes of a column are in a row. The right one holds groups of four rows, in each of them four
/// bytes for every column: as 16 x 16 words it is the transpose of the left one.
struct Tiles {
    std::int8_t* left;
    std::int8_t* right;
};

/// 32 x 32 numbers of a float32 matrix, and the units of the operands that a product of them
/// belongs to.
struct Target {
    float* numbers;
    std::ptrdiff_t row_step;
    const double* row_units;
    const double* col_units;
};

/// 16 columns of numbers that become integers when multiplied by `per_unit`, a power of two for
/// each column. The squares of what rounding takes from them are added to `lost`, row after row.
struct Strip {
    const double* data;
    std::ptrdiff_t row_step;
    std::ptrdiff_t col_step;
    const double* per_unit;
    double* lost;
};

struct Kernel {
    /// product = L^T R, 32 x 32, row by row: exact for at most 16 steps (1024 rows), where every
    /// partial sum stays below 2^25 and the product below 2^40.
    void (*multiply)(const std::int8_t* left, const std::int8_t* right, int steps, double* product);
    /// Adds product(i, j) * (row_units(i) * col_units(j)) to each number, in double, and rounds it
    /// to float32.
    void (*add)(const double* product, const Target& target);
    /// Rounds a strip of 64 rows to nearest.
    void (*round)(const Strip& strip, const Tiles& tiles);
};

/// Loops that every processor runs.
[[nodiscard]] const Kernel& portable_kernel();

/// The kernel for the tile unit, or null where the processor or the system has none, or where it
/// does not reproduce the portable one on a probe (asked once per process).
[[nodiscard]] const Kernel* fast_kernel();

/// What Kernel::add does, for the first `cols` numbers of one row of both.
void add_row(const double* product, double row_unit, const Target& target, std::ptrdiff_t cols);

/// Rounds a strip of `rows` <= 64 rows, of whose columns there are `cols` <= 16; what is missing is
/// zero.
void round_strip(const Strip& strip, std::ptrdiff_t rows, std::ptrdiff_t cols, const Tiles& tiles);

/// The 16 x 16 words of a tile, transposed.
void transpose_words(const std::int8_t* from, std::int8_t* to);

}  // namespace lipcert::integer
