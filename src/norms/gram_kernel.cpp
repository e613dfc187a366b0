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

/// Where a column begins, counted from the first one of a panel.
constexpr std::ptrdiff_t place(std::ptrdiff_t column, std::ptrdiff_t depth) {
    return column / kLanes * depth * kLanes + column % kLanes;
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
LIPCERT_INSIDE void multiply_piece(const Panel& panel, const Piece& piece, float* sums) {
    for (std::ptrdiff_t k = 0; k < panel.depth; k += kChunk) {
        const std::ptrdiff_t count = std::min(kChunk, panel.depth - k);
        const float* const chunk = panel.blocks + k * kLanes;
        for (std::ptrdiff_t column = 0; column < kStrip; column += T::kWidth) {
            const float* columns[T::kVectors];
            for (std::size_t j = 0; j < T::kVectors; ++j) {
                const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(j) * T::kLength;
                columns[j] = chunk + place(piece.column + column + first, panel.depth);
            }
            for (std::ptrdiff_t i = 0; i < piece.rows; i += T::kRows) {
                add_tile<T>(columns,
                            chunk + place(piece.row + i, panel.depth),
                            count,
                            k == 0,
                            sums + i * kStrip + column);
            }
        }
    }
}

void multiply_plain(const Panel& panel, const Piece& piece, float* sums) {
    multiply_piece<Tile<16, 2, 4>>(panel, piece, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void multiply_avx2(const Panel& panel,
                                                       const Piece& piece,
                                                       float* sums) {
    multiply_piece<Tile<32, 4, 2>>(panel, piece, sums);
}

__attribute__((target("avx512f"))) void multiply_avx512(const Panel& panel,
                                                        const Piece& piece,
                                                        float* sums) {
    multiply_piece<Tile<64, 8, 3>>(panel, piece, sums);
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

}  // namespace lipcert::gram_kernel
