#include "norms/large_matrix.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <mutex>
#include <sys/mman.h>
#include <utility>

namespace lipcert {

void prefer_huge_pages(const void* data, std::size_t bytes) {
    constexpr std::uintptr_t kHugePage = std::uintptr_t{1} << 21U;
    constexpr std::size_t kWorthIt = 4 * kHugePage;
    if (bytes < kWorthIt) {
        return;
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
    const std::uintptr_t end = (begin + bytes) / kHugePage * kHugePage;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address inside the same allocation
    static_cast<void>(madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, kKeptMemory / 2);
    mallopt(M_TRIM_THRESHOLD, kKeptMemory);
#endif
}

void keep_all_freed_memory() {
#ifdef __GLIBC__
    // From the heap alone, which is never cut: -1 says so.
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    // What it grows to first is in huge pages, whoever touches it; untouched it costs nothing.
    constexpr std::size_t kRoom = std::size_t{1} << 31U;
    void* const room = std::malloc(kRoom);
    if (room != nullptr) {
        prefer_huge_pages(room, kRoom);
    }
    std::free(room);
#endif
}

namespace {

/// Whether a matrix of so many entries is worth it.
template <typename M>
bool is_recycled(Eigen::Index entries) {
    const auto bytes = static_cast<std::size_t>(entries) * sizeof(typename M::Scalar);
    return bytes >= kSmallestRecycled && bytes <= kLargestRecycled;
}

/// The matrix that waits to be used again, of one precision.
template <typename M>
class Shelf {
public:
    void put(M& matrix) {
        const std::lock_guard<std::mutex> lock(mutex_);
        matrix_.swap(matrix);
    }

    bool take(M& matrix, Eigen::Index entries) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (matrix_.size() != entries) {
            return false;
        }
        matrix.swap(matrix_);
        matrix_.resize(0, 0);
        return true;
    }

private:
    std::mutex mutex_;
    M matrix_;
};

template <typename M>
Shelf<M>& shelf() {
    static Shelf<M> shelf;
    return shelf;
}

template <typename M>
void put_back(M matrix) {
    if (is_recycled<M>(matrix.size())) {
        shelf<M>().put(matrix);
    }
}

template <typename M>
bool take_again(M& matrix, Eigen::Index entries) {
    return is_recycled<M>(entries) && shelf<M>().take(matrix, entries);
}

}  // namespace

void recycle(Matrix&& matrix) {
    put_back(std::move(matrix));
}

void recycle(FloatMatrix&& matrix) {
    put_back(std::move(matrix));
}

bool reuse(Matrix& matrix, Eigen::Index entries) {
    return take_again(matrix, entries);
}

bool reuse(FloatMatrix& matrix, Eigen::Index entries) {
    return take_again(matrix, entries);
}

namespace {

template <typename M>
M transposed_copy(const M& matrix) {
    constexpr Eigen::Index kTile = 32;
    M result;
    resize_uninitialised(result, matrix.cols(), matrix.rows());
    const Eigen::Index strips = (matrix.cols() + kTile - 1) / kTile;
    for_each_piece(
        strips, operations_of_pass(matrix.rows(), matrix.cols()), [&](Eigen::Index strip) {
            const Eigen::Index first = strip * kTile;
            const Eigen::Index width = std::min(kTile, matrix.cols() - first);
            for (Eigen::Index begin = 0; begin < matrix.rows(); begin += kTile) {
                const Eigen::Index height = std::min(kTile, matrix.rows() - begin);
                result.block(first, begin, width, height) =
                    matrix.block(begin, first, height, width).transpose();
            }
        });
    return result;
}

}  // namespace

Matrix transposed(const Matrix& matrix) {
    return transposed_copy(matrix);
}

FloatMatrix transposed(const FloatMatrix& matrix) {
    return transposed_copy(matrix);
}

}  // namespace lipcert
