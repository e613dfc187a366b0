#pragma once

#include <cstddef>
#include <vector>

/// The innermost loops of a product P^T Q in float32, for vectors of whatever length the
/// processor has.
namespace lipcert::gram_kernel {

inline constexpr std::size_t kAlignment = 64;                         ///< of panels and sums
inline constexpr std::ptrdiff_t kLanes = kAlignment / sizeof(float);  ///< columns of a block
inline constexpr std::ptrdiff_t kStrip = 3 * kLanes;  ///< columns that are multiplied at a time
/// Products that are summed one after the other.
inline constexpr std::ptrdiff_t kChunk = 64;

/// Columns of a matrix, in blocks of kLanes, each row by row.
struct Columns {
    const float* blocks;
    std::ptrdiff_t stride;  ///< numbers from a block to the next one
};

/// P^T Q for `width` columns of P, a multiple of kLanes, and kStrip columns of Q.
struct Product {
    Columns p;
    std::ptrdiff_t width;
    Columns q;
    std::ptrdiff_t depth;  ///< rows of P and Q, at least one
};

/// Row by row into `sums`, which are overwritten. Each entry is the sum of the sums of kChunk
/// products, all in the order of the rows of P, fused or not.
using Kernel = void (*)(const Product& product, float* sums);

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernel> kernels();

/// By the longest vectors.
void multiply(const Product& product, float* sums);

/// At least as many roundings as a product passes through, its own included.
[[nodiscard]] constexpr std::ptrdiff_t roundings(std::ptrdiff_t depth) {
    return (depth < kChunk ? depth : kChunk) + (depth + kChunk - 1) / kChunk;
}

}  // namespace lipcert::gram_kernel
