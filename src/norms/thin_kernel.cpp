#include "norms/thin_kernel.hpp"

#include <algorithm>
#include <cstring>

#include "norms/vector_variants.hpp"

namespace lipcert::thin_kernel {

namespace {

template <std::size_t kBytes>
using VectorOf __attribute__((vector_size(kBytes))) = double;

/// op(A): entry (i, j) lies i across + j along after the first one.
struct Operand {
    const double* entries;
    std::ptrdiff_t rows, across;
    std::ptrdiff_t terms, along;
};

/// The first kRows rows of op(A) times as many columns of B as fill kVectors vectors.
template <std::size_t kBytes, std::size_t kVectors, std::size_t kRows>
LIPCERT_INSIDE void add_rows(const Operand& a, const Thin& b, double* sums) {
    constexpr std::size_t kLength = kBytes / sizeof(double);
    VectorOf<kBytes> totals[kRows][kVectors] = {};
    const double* entry = a.entries;
    const double* row = b.entries;
    for (std::ptrdiff_t j = 0; j < a.terms; ++j, entry += a.along, row += b.columns) {
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

/// All rows of op(A) times as many columns of B.
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

template <std::size_t kBytes>
LIPCERT_INSIDE void add_times(const Block& a, const Thin& b, double* sums) {
    add_product<kBytes>({a.entries, a.rows, a.stride, a.columns, 1}, b, sums);
}

template <std::size_t kBytes>
LIPCERT_INSIDE void add_transposed_times(const Block& a, const Thin& b, double* sums) {
    add_product<kBytes>({a.entries, a.columns, 1, a.rows, a.stride}, b, sums);
}

void times_plain(const Block& a, const Thin& b, double* sums) {
    add_times<16>(a, b, sums);
}

void transposed_times_plain(const Block& a, const Thin& b, double* sums) {
    add_transposed_times<16>(a, b, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void times_avx2(const Block& a, const Thin& b, double* sums) {
    add_times<32>(a, b, sums);
}

__attribute__((target("avx2,fma"))) void transposed_times_avx2(const Block& a,
                                                               const Thin& b,
                                                               double* sums) {
    add_transposed_times<32>(a, b, sums);
}

__attribute__((target("avx512f"))) void times_avx512(const Block& a, const Thin& b, double* sums) {
    add_times<64>(a, b, sums);
}

__attribute__((target("avx512f"))) void transposed_times_avx512(const Block& a,
                                                                const Thin& b,
                                                                double* sums) {
    add_transposed_times<64>(a, b, sums);
}
#endif

}  // namespace

std::vector<Kernels> kernels() {
    static constexpr Kernels kPlain{times_plain, transposed_times_plain};
#ifdef __x86_64__
    static constexpr Kernels kAvx2{times_avx2, transposed_times_avx2};
    static constexpr Kernels kAvx512{times_avx512, transposed_times_avx512};
    std::vector<Kernels> result;
    for (const Kernels* pair : runnable<const Kernels*>({&kPlain, &kAvx2, &kAvx512})) {
        result.push_back(*pair);
    }
    return result;
#else
    return {kPlain};
#endif
}

}  // namespace lipcert::thin_kernel
