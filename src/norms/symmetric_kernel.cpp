#include "norms/symmetric_kernel.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "norms/vector_variants.hpp"

namespace lipcert::symmetric_kernel {

namespace {

template <std::size_t kBytes>
using VectorOf __attribute__((vector_size(kBytes))) = float;

/// kRows rows from `first` on, as many columns before them as whole vectors fit; returns how many.
template <std::size_t kBytes, std::size_t... kEach>
LIPCERT_INSIDE std::ptrdiff_t add_rows(const Rows& rows,
                                       std::ptrdiff_t first,
                                       const float* x,
                                       float* y,
                                       std::index_sequence<kEach...> /*rows*/) {
    const float* const row = rows.lower + first * rows.stride;
    const float* const x_of_rows = x + first;
    constexpr std::ptrdiff_t kLength = kBytes / sizeof(float);
    VectorOf<kBytes> sums[kRows] = {};
    std::ptrdiff_t j = 0;
    for (; j + kLength <= first; j += kLength) {
        VectorOf<kBytes> here;
        VectorOf<kBytes> image;
        VectorOf<kBytes> entries[kRows];
        std::memcpy(&here, x + j, kBytes);
        std::memcpy(&image, y + j, kBytes);
        (std::memcpy(
             &entries[kEach], row + static_cast<std::ptrdiff_t>(kEach) * rows.stride + j, kBytes),
         ...);
        ((sums[kEach] += entries[kEach] * here), ...);
        ((image += entries[kEach] * x_of_rows[kEach]), ...);
        std::memcpy(y + j, &image, kBytes);
    }
    for (std::size_t i = 0; i < kRows; ++i) {
        for (std::ptrdiff_t lane = 0; lane < kLength; ++lane) {
            y[first + static_cast<std::ptrdiff_t>(i)] += sums[i][lane];
        }
    }
    return j;
}

template <std::size_t kBytes>
LIPCERT_INSIDE void multiply(const Rows& rows, const float* x, float* y) {
    for (std::ptrdiff_t first = rows.begin; first < rows.end; first += kRows) {
        std::ptrdiff_t done = 0;
        if (first + kRows <= rows.end) {
            done = add_rows<kBytes>(rows, first, x, y, std::make_index_sequence<kRows>());
        }
        for (std::ptrdiff_t i = first; i < std::min(first + kRows, rows.end); ++i) {
            const float* const entries = rows.lower + i * rows.stride;
            float sum = entries[i] * x[i];
            for (std::ptrdiff_t j = done; j < i; ++j) {
                sum += entries[j] * x[j];
                y[j] += entries[j] * x[i];
            }
            y[i] += sum;
        }
    }
}

void multiply_plain(const Rows& rows, const float* x, float* y) {
    multiply<16>(rows, x, y);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void multiply_avx2(const Rows& rows, const float* x, float* y) {
    multiply<32>(rows, x, y);
}

__attribute__((target("avx512f"))) void multiply_avx512(const Rows& rows,
                                                        const float* x,
                                                        float* y) {
    multiply<64>(rows, x, y);
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

}  // namespace lipcert::symmetric_kernel
