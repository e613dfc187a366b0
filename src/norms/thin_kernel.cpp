#include "norms/thin_kernel.hpp"

#include <algorithm>
#include <cstring>

#include "norms/vector_variants.hpp"

namespace lipcert::thin_kernel {

namespace {

template <std::size_t kBytes>
using VectorOf __attribute__((vector_size(kBytes))) = double;

/// The first kRows rows of A times as many columns of B as fill kVectors vectors.
template <std::size_t kBytes, std::size_t kVectors, std::size_t kRows>
LIPCERT_INSIDE void add_rows(const Operand& a, const Thin& b, double* sums) {
    constexpr std::size_t kLength = kBytes / sizeof(double);
    VectorOf<kBytes> totals[kRows][kVectors] = {};
    const double* entry = a.entries;
    const double* row = b.entries;
    for (std::ptrdiff_t j = 0; j < a.columns; ++j, entry += a.along, row += b.columns) {
        VectorOf<kBytes> here[kVectors];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) {
            std::memcpy(&here[v], row + v * kLength, kBytes);
        }
#pragma GCC unroll 8
        for (std::size_t i = 0; i < kRows; ++i) {
            const double factor = entry[static_cast<std::ptrdiff_t>(i) * a.across];
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) {
                totals[i][v] += factor * here[v];
            }
        }
    }
    for (std::size_t i = 0; i < kRows; ++i, sums += b.columns) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            VectorOf<kBytes> sum;
            std::memcpy(&sum, sums + v * kLength, kBytes);
            sum += totals[i][v];
            std::memcpy(sums + v * kLength, &sum, kBytes);
        }
    }
}

/// All rows of A times as many columns of B.
template <std::size_t kBytes, std::size_t kVectors>
LIPCERT_INSIDE void add_columns(Operand a, const Thin& b, double* sums) {
    // What the sums of several rows need of the registers, of which there are 32 or 16.
    constexpr std::ptrdiff_t kRows = kBytes == 64 ? 8 : 4;
    for (; a.rows >= kRows; a.rows -= kRows) {
        add_rows<kBytes, kVectors, kRows>(a, b, sums);
        a.entries += kRows * a.across;
        sums += kRows * b.columns;
    }
    for (; a.rows > 0; --a.rows) {
        add_rows<kBytes, kVectors, 1>(a, b, sums);
        a.entries += a.across;
        sums += b.columns;
    }
}

template <std::size_t kBytes>
LIPCERT_INSIDE void add_product(const Operand& a, const Thin& b, double* sums) {
    for (std::ptrdiff_t first = 0; first < b.columns;) {
        const Thin rest{b.entries + first, b.columns};
        const std::ptrdiff_t strips = (b.columns - first) / kLanes;
        if constexpr (kBytes == 64) {
            if (strips >= 3) {
                add_columns<kBytes, 3>(a, rest, sums + first);
            } else if (strips == 2) {
                add_columns<kBytes, 2>(a, rest, sums + first);
            } else {
                add_columns<kBytes, 1>(a, rest, sums + first);
            }
            first += std::min<std::ptrdiff_t>(strips, 3) * kLanes;
        } else {
            add_columns<kBytes, 2>(a, rest, sums + first);
            first += static_cast<std::ptrdiff_t>(2 * kBytes / sizeof(double));
        }
    }
}

void multiply_plain(const Operand& a, const Thin& b, double* sums) {
    add_product<16>(a, b, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void multiply_avx2(const Operand& a,
                                                       const Thin& b,
                                                       double* sums) {
    add_product<32>(a, b, sums);
}

__attribute__((target("avx512f"))) void multiply_avx512(const Operand& a,
                                                        const Thin& b,
                                                        double* sums) {
    add_product<64>(a, b, sums);
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

}  // namespace lipcert::thin_kernel
