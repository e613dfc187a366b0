#pragma once

#include <cstddef>
#include <vector>

/// The innermost loops of a Gram matrix P^T P in float32, for vectors of whatever length the
/// processor has.
namespace lipcert::gram_kernel {

inline constexpr std::size_t kAlignment = 64;                         ///< of panels and sums
inline constexpr std::ptrdiff_t kLanes = kAlignment / sizeof(float);  ///< columns of a block
inline constexpr std::ptrdiff_t kStrip = 3 * kLanes;  ///< columns that are multiplied at a time
inline constexpr std::ptrdiff_t kMostRows = 384;      ///< of a piece
/// Products that are summed one after the other.
inline constexpr std::ptrdiff_t kChunk = 64;

/// Columns of P in blocks of kLanes, each row by row.
struct Panel {
    const float* blocks;
    std::ptrdiff_t depth;  ///< rows of P
};

/// Where a part of P^T P begins, and how many rows it has, at most kMostRows: multiples of kLanes.
/// It has kStrip columns.
struct Piece {
    std::ptrdiff_t row;
    std::ptrdiff_t rows;
    std::ptrdiff_t column;
};

/// Row by row into `sums`, which are overwritten. Each entry is the sum of the sums of kChunk
/// products, all in the order of the rows of P, fused or not.
using Kernel = void (*)(const Panel& panel, const Piece& piece, float* sums);

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernel> kernels();

}  // namespace lipcert::gram_kernel
