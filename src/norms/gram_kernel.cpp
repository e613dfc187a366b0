#include "norms/gram_kernel.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "norms/vector_variants.hpp"

namespace lipcert::gram_kernel {

namespace {

template <std::size_t kBytes>
using VectorOf __attribute__((vector_size(kBytes))) = float;

/// What a processor multiplies at a time: so many rows by so many vectors of so many bytes, which
/// its registers hold.
template <std::size_t kBytesOfOne, std::size_t kRowsOfOne, std::size_t kVectorsOfOne>
struct Tile {
    using Vector = VectorOf<kBytesOfOne>;
    static constexpr std::size_t kBytes = kBytesOfOne;
    static constexpr std::size_t kVectors = kVectorsOfOne;
    static constexpr std::size_t kEntries = kRowsOfOne * kVectors;
    static constexpr std::ptrdiff_t kRows = kRowsOfOne;
    static constexpr std::ptrdiff_t kLength = kBytes / sizeof(float);
    static constexpr std::ptrdiff_t kWidth = kVectors * kLength;
    static_assert(kStrip % kWidth == 0 && kLanes % kRows == 0 && kLanes % kLength == 0);
};

/// Where a column begins.
LIPCERT_INSIDE const float* begin_of(const Columns& columns, std::ptrdiff_t column) {
    return columns.blocks + column / kLanes * columns.stride + column % kLanes;
}

/// Adds the products of `count` rows of P: entry (i, j) of the tile to sums[kVectors i + j].
template <typename T, std::size_t... kEntries>
LIPCERT_INSIDE void multiply_rows(const float* const* columns,
                                  const float* rows,
                                  std::ptrdiff_t count,
                                  typename T::Vector* sums,
                                  std::index_sequence<kEntries...> /*entries*/) {
    for (std::ptrdiff_t k = 0; k < count * kLanes; k += kLanes) {
        typename T::Vector row[T::kVectors];
        for (std::size_t j = 0; j < T::kVectors; ++j) {
            std::memcpy(&row[j], columns[j] + k, T::kBytes);
        }
        const float* const factors = rows + k;
        ((sums[kEntries] += row[kEntries % T::kVectors] * factors[kEntries / T::kVectors]), ...);
    }
}

template <typename T>
LIPCERT_INSIDE void add_tile(const float* const* columns,
                             const float* rows,
                             std::ptrdiff_t count,
                             bool is_first,
                             float* to) {
    typename T::Vector sums[T::kEntries] = {};
    multiply_rows<T>(columns, rows, count, sums, std::make_index_sequence<T::kEntries>());
    for (std::size_t i = 0; i < T::kEntries; ++i) {
        float* const sum = to + i / T::kVectors * kStrip + i % T::kVectors * T::kLength;
        if (!is_first) {
            typename T::Vector before;
            std::memcpy(&before, sum, T::kBytes);
            sums[i] += before;
        }
        std::memcpy(sum, &sums[i], T::kBytes);
    }
}

/// Chunk by chunk, so that a strip of it stays in the first cache.
template <typename T>
LIPCERT_INSIDE void multiply_chunks(const Product& product, float* sums) {
    for (std::ptrdiff_t k = 0; k < product.depth; k += kChunk) {
        const std::ptrdiff_t count = std::min(kChunk, product.depth - k);
        for (std::ptrdiff_t column = 0; column < kStrip; column += T::kWidth) {
            const float* columns[T::kVectors];
            for (std::size_t j = 0; j < T::kVectors; ++j) {
                const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(j) * T::kLength;
                columns[j] = begin_of(product.q, column + first) + k * kLanes;
            }
            for (std::ptrdiff_t i = 0; i < product.width; i += T::kRows) {
                add_tile<T>(columns,
                            begin_of(product.p, i) + k * kLanes,
                            count,
                            k == 0,
                            sums + i * kStrip + column);
            }
        }
    }
}

void multiply_plain(const Product& product, float* sums) {
    multiply_chunks<Tile<16, 2, 4>>(product, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void multiply_avx2(const Product& product, float* sums) {
    multiply_chunks<Tile<32, 4, 2>>(product, sums);
}

__attribute__((target("avx512f"))) void multiply_avx512(const Product& product, float* sums) {
    multiply_chunks<Tile<64, 8, 3>>(product, sums);
}
#endif

}  // namespace

std::vector<Kernel> kernels() {
#ifdef __x86_64__
    return runnable<Kernel>({multiply_plain, multiply_avx2, multiply_avx512});
#else
    return runnable<Kernel>({multiply_plain});
#endif
}

void multiply(const Product& product, float* sums) {
    static const Kernel longest = kernels().front();
    longest(product, sums);
}

}  // namespace lipcert::gram_kernel
