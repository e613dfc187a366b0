#pragma once

#include <cstddef>
#include <vector>

#include <Eigen/Core>

/// The innermost loops of products with four vectors side by side in float64, for vectors of
/// whatever length the processor has. Terms are summed in some order, fused or not.
namespace lipcert::four_kernel {

inline constexpr std::ptrdiff_t kVectors = 4;

/// Numbers that follow each other.
struct Row {
    const double* entries;
    std::ptrdiff_t size;
};

/// What a row gives with the four vectors, and its magnitudes with another one.
struct Products {
    Eigen::RowVector4d of_vectors = Eigen::RowVector4d::Zero();
    double of_magnitudes = 0.0;
};

struct Kernel {
    /// row X for X of size x kVectors, row by row, and |row| w; w may be null.
    Products (*dot)(const Row& row, const double* x, const double* w);
    /// vectors += row^T p and magnitudes += |row|^T p, as long as the row; the latter may be null.
    void (*add_outer)(const Row& row, const Products& p, double* vectors, double* magnitudes);
};

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernel> kernels();

[[nodiscard]] const Kernel& longest();

}  // namespace lipcert::four_kernel
