#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>

#include "norms/float_matrix.hpp"
#include "norms/parallel.hpp"

namespace lipcert {

/// Asks the system to back memory by huge pages: the first touch of 100 MB in pages of 4 KB costs
/// as much as a pass over them. A hint; nothing depends on it.
void prefer_huge_pages(const void* data, std::size_t bytes);

/// Bytes of freed matrices that a process keeps, each at most half as large.
inline constexpr int kKeptMemory = 0x1 << 26;

/// Lets the process keep so much of what it has freed: new memory costs its first touch. For
/// programs, before they work.
void keep_freed_memory();

/// Lets the process keep all of it that its main thread has freed, in huge pages, for programs that
/// form one large matrix after the other: a machine that is shared may take a second for each GB
/// that it has to find anew. The peak grows by what lies in pieces between what is in use: about a
/// third.
void keep_all_freed_memory();

/// Bytes of a matrix that is recycled: more than `keep_freed_memory` keeps, and at most a Gram
/// matrix of 4096 columns.
inline constexpr int kSmallestRecycled = kKeptMemory / 2;
inline constexpr int kLargestRecycled = 0x1 << 27;

/// Keeps the memory of one large matrix of each precision, for the next one of its size.
void recycle(Matrix&& matrix);
void recycle(FloatMatrix&& matrix);

/// Whether `matrix` has become one of so many entries that had been recycled.
[[nodiscard]] bool reuse(Matrix& matrix, Eigen::Index entries);
[[nodiscard]] bool reuse(FloatMatrix& matrix, Eigen::Index entries);

/// Resizes without initialising, for matrices that are written as a whole next.
template <typename M>
void resize_uninitialised(M& matrix, Eigen::Index rows, Eigen::Index cols) {
    if (matrix.rows() == rows && matrix.cols() == cols) {
        return;
    }
    const bool is_touched = reuse(matrix, rows * cols);
    matrix.resize(rows, cols);
    if (!is_touched) {
        prefer_huge_pages(matrix.data(),
                          static_cast<std::size_t>(matrix.size()) * sizeof(typename M::Scalar));
    }
}

/// In another precision, on several threads.
template <typename To, typename From>
[[nodiscard]] To converted(const From& matrix) {
    To result;
    resize_uninitialised(result, matrix.rows(), matrix.cols());
    for_each_row_range(matrix.rows(), matrix.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        result.middleRows(begin, end - begin) =
            matrix.middleRows(begin, end - begin).template cast<typename To::Scalar>();
    });
    return result;
}

/// The transpose, copied in tiles that fit the cache.
[[nodiscard]] Matrix transposed(const Matrix& matrix);
[[nodiscard]] FloatMatrix transposed(const FloatMatrix& matrix);

}  // namespace lipcert
