#pragma once

#include <cstddef>
#include <vector>

#include "norms/gram_kernel.hpp"

/// The innermost loops of a Cholesky factor in float32, for vectors of whatever length the
/// processor has.
namespace lipcert::factor_kernel {

/// Rows and columns of a tile, which is stored column by column at gram_kernel::kAlignment.
inline constexpr std::ptrdiff_t kSide = gram_kernel::kStrip;

struct Kernels {
    /// From kSide rows of kSide numbers, `stride` apart, and back.
    void (*read)(const float* rows, std::ptrdiff_t stride, float* tile);
    void (*write)(const float* tile, std::ptrdiff_t stride, float* rows);
    /// A tile becomes L, A = L L^T, of which only the lower triangles are meant, and `reciprocals`
    /// those of the diagonal of L. Returns 0, or the 1-based index of the first pivot that is not
    /// positive and finite: columns before it are those of L.
    std::ptrdiff_t (*factorise)(float* tile, float* reciprocals);
    /// A tile X becomes X L^-T. What stands above the diagonal of L is not read.
    void (*solve)(const float* factor, const float* reciprocals, float* tile);
};

/// One for each length of vectors that this processor has, the longest first. From an entry they
/// take one product after the other, fused or not, in the order of columns, before the division,
/// which is a product with the rounded reciprocal.
[[nodiscard]] std::vector<Kernels> kernels();

/// The longest.
[[nodiscard]] const Kernels& longest();

}  // namespace lipcert::factor_kernel
