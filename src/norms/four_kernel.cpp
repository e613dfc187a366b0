#include "norms/four_kernel.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "norms/vector_variants.hpp"

namespace lipcert::four_kernel {

namespace {

constexpr std::size_t kBytes = kVectors * sizeof(double);
using Four __attribute__((vector_size(kBytes))) = double;
using Bits __attribute__((vector_size(kBytes))) = std::uint64_t;

LIPCERT_INSIDE void read(const double* from, Four& to) {
    std::memcpy(&to, from, kBytes);
}

LIPCERT_INSIDE void write(const Four& from, double* to) {
    std::memcpy(to, &from, kBytes);
}

LIPCERT_INSIDE void take_magnitudes(Four& numbers) {
    constexpr std::uint64_t kSign = 1ULL << 63U;
    Bits bits;
    std::memcpy(&bits, &numbers, kBytes);
    bits &= ~kSign;
    std::memcpy(&numbers, &bits, kBytes);
}

template <bool kWithMagnitudes>
LIPCERT_INSIDE Products dot(const Row& row, const double* x, const double* w) {
    Four sums[kVectors] = {};  // that do not wait for each other
    Four magnitudes = {};
    const std::ptrdiff_t whole = row.size / kVectors * kVectors;
    for (std::ptrdiff_t j = 0; j < whole; j += kVectors) {
        for (std::ptrdiff_t k = 0; k < kVectors; ++k) {
            Four here;
            read(x + (j + k) * kVectors, here);
            sums[k] += row.entries[j + k] * here;
        }
        if constexpr (kWithMagnitudes) {
            Four entries;
            Four weights;
            read(row.entries + j, entries);
            read(w + j, weights);
            take_magnitudes(entries);
            magnitudes += entries * weights;
        }
    }
    Products result;
    for (std::ptrdiff_t j = whole; j < row.size; ++j) {
        Four here;
        read(x + j * kVectors, here);
        sums[0] += row.entries[j] * here;
        if constexpr (kWithMagnitudes) {
            result.of_magnitudes += std::abs(row.entries[j]) * w[j];
        }
    }
    write((sums[0] + sums[1]) + (sums[2] + sums[3]), result.of_vectors.data());
    for (std::ptrdiff_t k = 0; k < kVectors; ++k) {
        result.of_magnitudes += magnitudes[k];
    }
    return result;
}

LIPCERT_INSIDE void add_to(double* sums, double entry, const Four& factors) {
    Four sum;
    read(sums, sum);
    sum += entry * factors;
    write(sum, sums);
}

template <bool kWithMagnitudes>
LIPCERT_INSIDE void add_outer(const Row& row,
                              const Products& p,
                              double* vectors,
                              double* magnitudes) {
    Four factors;
    read(p.of_vectors.data(), factors);
    const std::ptrdiff_t whole = row.size / kVectors * kVectors;
    for (std::ptrdiff_t j = 0; j < whole; j += kVectors) {
        for (std::ptrdiff_t k = 0; k < kVectors; ++k) {
            add_to(vectors + (j + k) * kVectors, row.entries[j + k], factors);
        }
        if constexpr (kWithMagnitudes) {
            Four entries;
            Four sum;
            read(row.entries + j, entries);
            read(magnitudes + j, sum);
            take_magnitudes(entries);
            sum += entries * p.of_magnitudes;
            write(sum, magnitudes + j);
        }
    }
    for (std::ptrdiff_t j = whole; j < row.size; ++j) {
        add_to(vectors + j * kVectors, row.entries[j], factors);
        if constexpr (kWithMagnitudes) {
            magnitudes[j] += std::abs(row.entries[j]) * p.of_magnitudes;
        }
    }
}

LIPCERT_INSIDE Products dot_either(const Row& row, const double* x, const double* w) {
    return w != nullptr ? dot<true>(row, x, w) : dot<false>(row, x, w);
}

LIPCERT_INSIDE void add_either(const Row& row,
                               const Products& p,
                               double* vectors,
                               double* magnitudes) {
    if (magnitudes != nullptr) {
        add_outer<true>(row, p, vectors, magnitudes);
    } else {
        add_outer<false>(row, p, vectors, magnitudes);
    }
}

Products dot_plain(const Row& row, const double* x, const double* w) {
    return dot_either(row, x, w);
}

void add_plain(const Row& row, const Products& p, double* vectors, double* magnitudes) {
    add_either(row, p, vectors, magnitudes);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) Products dot_avx2(const Row& row,
                                                      const double* x,
                                                      const double* w) {
    return dot_either(row, x, w);
}

__attribute__((target("avx2,fma"))) void add_avx2(const Row& row,
                                                  const Products& p,
                                                  double* vectors,
                                                  double* magnitudes) {
    add_either(row, p, vectors, magnitudes);
}
#endif

}  // namespace

std::vector<Kernel> kernels() {
    VectorVariants<Kernel> variants{{dot_plain, add_plain}};
#ifdef __x86_64__
    variants.avx2 = Kernel{dot_avx2, add_avx2};
#endif
    return runnable(variants);
}

const Kernel& longest() {
    static const Kernel kernel = kernels().front();
    return kernel;
}

}  // namespace lipcert::four_kernel
