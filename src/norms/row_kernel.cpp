#include "norms/row_kernel.hpp"

#include <cstring>

#include "norms/vector_variants.hpp"

namespace lipcert::row_kernel {

namespace {

template <typename Number, std::size_t kBytes>
using VectorOf __attribute__((vector_size(kBytes))) = Number;

template <std::size_t kBytes>
LIPCERT_INSIDE double round_row(const double* row,
                                std::ptrdiff_t size,
                                double factor,
                                const Blocks& to) {
    constexpr std::size_t kLength = kBytes / sizeof(double);
    constexpr std::size_t kVectors = kBlock / kLength;
    VectorOf<double, kBytes> squares[kVectors] = {};
    float* block = to.first;
    std::ptrdiff_t j = 0;
    for (; j + kBlock <= size; j += kBlock, block += to.stride) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            VectorOf<double, kBytes> numbers;
            std::memcpy(&numbers, row + j + static_cast<std::ptrdiff_t>(v * kLength), kBytes);
            squares[v] += numbers * numbers;
            const auto rounded =
                __builtin_convertvector(numbers * factor, VectorOf<float, kBytes / 2>);
            std::memcpy(block + v * kLength, &rounded, kBytes / 2);
        }
    }
    double sum = 0.0;
    for (; j < size; ++j, ++block) {
        sum += row[j] * row[j];
        *block = static_cast<float>(row[j] * factor);
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
        for (std::size_t lane = 0; lane < kLength; ++lane) {
            sum += squares[v][lane];
        }
    }
    return sum;
}

template <std::size_t kBytes>
LIPCERT_INSIDE void subtract_products(const Vectors& vectors, std::ptrdiff_t i, float* row) {
    constexpr std::ptrdiff_t kLength = kBytes / sizeof(float);
    const float* const end = vectors.first + vectors.count * vectors.stride;
    std::ptrdiff_t j = 0;
    for (; j + kLength <= i + 1; j += kLength) {
        VectorOf<float, kBytes> rest;
        std::memcpy(&rest, row + j, kBytes);
        for (const float* vector = vectors.first; vector != end; vector += vectors.stride) {
            VectorOf<float, kBytes> part;
            std::memcpy(&part, vector + j, kBytes);
            rest -= part * vector[i];
        }
        std::memcpy(row + j, &rest, kBytes);
    }
    for (; j <= i; ++j) {
        for (const float* vector = vectors.first; vector != end; vector += vectors.stride) {
            row[j] -= vector[j] * vector[i];
        }
    }
}

double round_plain(const double* row, std::ptrdiff_t size, double factor, const Blocks& to) {
    return round_row<16>(row, size, factor, to);
}

void subtract_plain(const Vectors& vectors, std::ptrdiff_t i, float* row) {
    subtract_products<16>(vectors, i, row);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) double round_avx2(const double* row,
                                                      std::ptrdiff_t size,
                                                      double factor,
                                                      const Blocks& to) {
    return round_row<32>(row, size, factor, to);
}

__attribute__((target("avx2,fma"))) void subtract_avx2(const Vectors& vectors,
                                                       std::ptrdiff_t i,
                                                       float* row) {
    subtract_products<32>(vectors, i, row);
}

__attribute__((target("avx512f"))) double round_avx512(const double* row,
                                                       std::ptrdiff_t size,
                                                       double factor,
                                                       const Blocks& to) {
    return round_row<64>(row, size, factor, to);
}

__attribute__((target("avx512f"))) void subtract_avx512(const Vectors& vectors,
                                                        std::ptrdiff_t i,
                                                        float* row) {
    subtract_products<64>(vectors, i, row);
}

#endif

}  // namespace

std::vector<Kernels> kernels() {
#ifdef __x86_64__
    return runnable<Kernels>({{round_plain, subtract_plain},
                              Kernels{round_avx2, subtract_avx2},
                              Kernels{round_avx512, subtract_avx512}});
#else
    return runnable<Kernels>({{round_plain, subtract_plain}});
#endif
}

const Kernels& longest() {
    static const Kernels found = kernels().front();
    return found;
}

}  // namespace lipcert::row_kernel
