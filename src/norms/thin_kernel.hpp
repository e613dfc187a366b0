#pragma once

#include <cstddef>
#include <vector>

/// The innermost loops of products with a few vectors in float64, for vectors of whatever length
/// the processor has.
namespace lipcert::thin_kernel {

inline constexpr std::ptrdiff_t kLanes = 8;  ///< what numbers of columns are multiples of

/// A matrix or its transpose: entry (i, j) lies i across + j along behind the first one.
struct Operand {
    const double* entries;
    std::ptrdiff_t rows, across;
    std::ptrdiff_t columns, along;
};

/// B, row by row without gaps.
struct Thin {
    const double* entries;
    std::ptrdiff_t columns;  ///< a multiple of kLanes
};

/// Adds A B to `sums`, which has the columns of B and no gaps either. Products are summed from 0 in
/// some order, fused or not, and what comes of that is added.
using Kernel = void (*)(const Operand& a, const Thin& b, double* sums);

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernel> kernels();

}  // namespace lipcert::thin_kernel
