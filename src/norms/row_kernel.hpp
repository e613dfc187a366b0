#pragma once

#include <cstddef>
#include <vector>

#include "norms/gram_kernel.hpp"

/// Passes over rows of a matrix, for vectors of whatever length the processor has.
namespace lipcert::row_kernel {

inline constexpr std::ptrdiff_t kBlock = gram_kernel::kLanes;  ///< numbers that stay together

/// A row in blocks of kBlock numbers, the last one with fewer.
struct Blocks {
    float* first;
    std::ptrdiff_t stride;  ///< numbers from a block to the next one
};

/// Vectors that follow each other in memory, `stride` numbers apart.
struct Vectors {
    const float* first;
    std::ptrdiff_t stride;
    std::ptrdiff_t count;
};

struct Kernels {
    /// Rounds factor * row to float32, factor a power of two: one rounding each. Returns the sum of
    /// the squares of the row, in some order, fused or not.
    double (*round)(const double* row, std::ptrdiff_t size, double factor, const Blocks& to);
    /// From the first i + 1 numbers of row i, takes those of the Gram matrix of the vectors, one
    /// product after the other, fused or not.
    void (*subtract_gram)(const Vectors& vectors, std::ptrdiff_t i, float* row);
};

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernels> kernels();

/// The longest.
[[nodiscard]] const Kernels& longest();

}  // namespace lipcert::row_kernel
