#pragma once

#include <cstddef>
#include <vector>

/// The innermost loop of a symmetric product in float32, for vectors of whatever length the
/// processor has.
namespace lipcert::symmetric_kernel {

inline constexpr std::ptrdiff_t kRows = 8;  ///< that are multiplied at a time

/// Some rows of the lower triangle of A.
struct Rows {
    const float* lower;  ///< of all of A
    std::ptrdiff_t stride;
    std::ptrdiff_t begin;  ///< a multiple of kRows
    std::ptrdiff_t end;
};

/// Adds to y what entries in these rows, and their mirror images, contribute to A x. Each entry is
/// read once; what becomes of one y_i is a sum of its terms in some order, fused or not.
using Kernel = void (*)(const Rows& rows, const float* x, float* y);

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernel> kernels();

}  // namespace lipcert::symmetric_kernel
