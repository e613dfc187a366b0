#pragma once

#include <cstddef>
#include <vector>

/// The innermost loops of products with a few vectors in float64, for vectors of whatever length
/// the processor has.
namespace lipcert::thin_kernel {

inline constexpr std::ptrdiff_t kLanes = 8;  ///< what numbers of columns are multiples of

/// A, row by row, rows that begin `stride` apart.
struct Block {
    const double* entries;
    std::ptrdiff_t rows, columns, stride;
};

/// B, row by row without gaps.
struct Thin {
    const double* entries;
    std::ptrdiff_t columns;  ///< a multiple of kLanes
};

/// Adds op(A) B to `sums`, which has the columns of B and no gaps either. Products are summed
/// from 0 in some order, fused or not, and what comes of that is added.
using Kernel = void (*)(const Block& a, const Thin& b, double* sums);

struct Kernels {
    Kernel times;             ///< A B
    Kernel transposed_times;  ///< A^T B
};

/// A pair for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernels> kernels();

}  // namespace lipcert::thin_kernel
