#include "norms/factor_kernel.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "norms/square.hpp"
#include "norms/vector_variants.hpp"

namespace lipcert::factor_kernel {

namespace {

template <std::size_t kBytes>
using VectorOf __attribute__((vector_size(kBytes))) = float;

template <std::size_t kBytes>
constexpr std::ptrdiff_t kLength = kBytes / sizeof(float);

LIPCERT_INSIDE void read_tile(const float* rows, std::ptrdiff_t stride, float* tile) {
    constexpr std::ptrdiff_t kStep = square::kLength<float>;
    for (std::ptrdiff_t row = 0; row < kSide; row += kStep) {
        for (std::ptrdiff_t column = 0; column < kSide; column += kStep) {
            square::Vector<float> columns[kStep];
            square::read<float>(rows + row * stride + column, stride, columns);
            for (std::ptrdiff_t i = 0; i < kStep; ++i) {
                std::memcpy(tile + (column + i) * kSide + row, &columns[i], sizeof(columns[i]));
            }
        }
    }
}

LIPCERT_INSIDE void write_tile(const float* tile, std::ptrdiff_t stride, float* rows) {
    constexpr std::ptrdiff_t kStep = square::kLength<float>;
    for (std::ptrdiff_t row = 0; row < kSide; row += kStep) {
        for (std::ptrdiff_t column = 0; column < kSide; column += kStep) {
            square::Vector<float> columns[kStep];
            for (std::ptrdiff_t i = 0; i < kStep; ++i) {
                std::memcpy(&columns[i], tile + (column + i) * kSide + row, sizeof(columns[i]));
            }
            square::write<float>(columns, stride, rows + row * stride + column);
        }
    }
}

template <std::size_t kBytes>
LIPCERT_INSIDE std::ptrdiff_t factorise_tile(float* tile, float* reciprocals) {
    constexpr std::size_t kVectors = kSide / kLength<kBytes>;
    for (std::ptrdiff_t k = 0; k < kSide; ++k) {
        float* const column = tile + k * kSide;
        VectorOf<kBytes> rest[kVectors];
        std::memcpy(rest, column, sizeof(rest));
        for (std::ptrdiff_t j = 0; j < k; ++j) {
            const float* const before = tile + j * kSide;
            for (std::size_t v = 0; v < kVectors; ++v) {
                VectorOf<kBytes> part;
                std::memcpy(&part, before + v * kLength<kBytes>, kBytes);
                rest[v] -= part * before[k];
            }
        }
        std::memcpy(column, rest, sizeof(rest));
        const float pivot = column[k];
        if (!(pivot > 0.0F && pivot <= std::numeric_limits<float>::max())) {
            return k + 1;
        }
        const float root = std::sqrt(pivot);
        reciprocals[k] = 1.0F / root;
        for (std::size_t v = 0; v < kVectors; ++v) {
            rest[v] *= reciprocals[k];
        }
        std::memcpy(column, rest, sizeof(rest));
        column[k] = root;
    }
    return 0;
}

/// kColumns columns of as many rows as fill kVectors vectors.
template <std::size_t kBytes, std::size_t kVectors, std::size_t kColumns>
LIPCERT_INSIDE void solve_columns(const float* factor,
                                  const float* reciprocals,
                                  std::size_t first,
                                  float* tile) {
    VectorOf<kBytes> rest[kColumns][kVectors];
    for (std::size_t i = 0; i < kColumns; ++i) {
        std::memcpy(rest[i], tile + (first + i) * kSide, sizeof(rest[i]));
    }
    for (std::size_t j = 0; j < first; ++j) {
        const float* const factors = factor + j * kSide + first;
        VectorOf<kBytes> before[kVectors];
        std::memcpy(before, tile + j * kSide, sizeof(before));
#pragma GCC unroll 8
        for (std::size_t i = 0; i < kColumns; ++i) {
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) {
                rest[i][v] -= before[v] * factors[i];
            }
        }
    }
#pragma GCC unroll 8
    for (std::size_t j = 0; j < kColumns; ++j) {
        const float* const factors = factor + (first + j) * kSide + first;
        for (std::size_t v = 0; v < kVectors; ++v) {
            rest[j][v] *= reciprocals[first + j];
        }
#pragma GCC unroll 8
        for (std::size_t i = j + 1; i < kColumns; ++i) {
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) {
                rest[i][v] -= rest[j][v] * factors[i];
            }
        }
    }
    for (std::size_t i = 0; i < kColumns; ++i) {
        std::memcpy(tile + (first + i) * kSide, rest[i], sizeof(rest[i]));
    }
}

/// So many rows and columns at a time as the registers hold.
template <std::size_t kBytes, std::size_t kVectors, std::size_t kColumns>
LIPCERT_INSIDE void solve_tile(const float* factor, const float* reciprocals, float* tile) {
    constexpr std::ptrdiff_t kRows = static_cast<std::ptrdiff_t>(kVectors) * kLength<kBytes>;
    static_assert(kSide % kRows == 0 && kSide % kColumns == 0);
    for (std::ptrdiff_t row = 0; row < kSide; row += kRows) {
        for (std::size_t first = 0; first < kSide; first += kColumns) {
            solve_columns<kBytes, kVectors, kColumns>(factor, reciprocals, first, tile + row);
        }
    }
}

void read_plain(const float* rows, std::ptrdiff_t stride, float* tile) {
    read_tile(rows, stride, tile);
}

void write_plain(const float* tile, std::ptrdiff_t stride, float* rows) {
    write_tile(tile, stride, rows);
}

std::ptrdiff_t factorise_plain(float* tile, float* reciprocals) {
    return factorise_tile<16>(tile, reciprocals);
}

void solve_plain(const float* factor, const float* reciprocals, float* tile) {
    solve_tile<16, 3, 4>(factor, reciprocals, tile);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void read_avx2(const float* rows,
                                                   std::ptrdiff_t stride,
                                                   float* tile) {
    read_tile(rows, stride, tile);
}

__attribute__((target("avx2,fma"))) void write_avx2(const float* tile,
                                                    std::ptrdiff_t stride,
                                                    float* rows) {
    write_tile(tile, stride, rows);
}

__attribute__((target("avx2,fma"))) std::ptrdiff_t factorise_avx2(float* tile, float* reciprocals) {
    return factorise_tile<32>(tile, reciprocals);
}

__attribute__((target("avx2,fma"))) void solve_avx2(const float* factor,
                                                    const float* reciprocals,
                                                    float* tile) {
    solve_tile<32, 3, 4>(factor, reciprocals, tile);
}

__attribute__((target("avx512f"))) void read_avx512(const float* rows,
                                                    std::ptrdiff_t stride,
                                                    float* tile) {
    read_tile(rows, stride, tile);
}

__attribute__((target("avx512f"))) void write_avx512(const float* tile,
                                                     std::ptrdiff_t stride,
                                                     float* rows) {
    write_tile(tile, stride, rows);
}

__attribute__((target("avx512f"))) std::ptrdiff_t factorise_avx512(float* tile,
                                                                   float* reciprocals) {
    return factorise_tile<64>(tile, reciprocals);
}

__attribute__((target("avx512f"))) void solve_avx512(const float* factor,
                                                     const float* reciprocals,
                                                     float* tile) {
    solve_tile<64, 3, 8>(factor, reciprocals, tile);
}
#endif

}  // namespace

std::vector<Kernels> kernels() {
#ifdef __x86_64__
    return runnable<Kernels>({{read_plain, write_plain, factorise_plain, solve_plain},
                              Kernels{read_avx2, write_avx2, factorise_avx2, solve_avx2},
                              Kernels{read_avx512, write_avx512, factorise_avx512, solve_avx512}});
#else
    return runnable<Kernels>({{read_plain, write_plain, factorise_plain, solve_plain}});
#endif
}

const Kernels& longest() {
    static const Kernels found = kernels().front();
    return found;
}

}  // namespace lipcert::factor_kernel
