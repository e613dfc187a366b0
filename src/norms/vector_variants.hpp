#pragma once

#include <optional>
#include <vector>

/// So that what is called is compiled for the vectors of its caller.
#define LIPCERT_INSIDE __attribute__((always_inline)) inline

namespace lipcert {

/// A function, or several, compiled for vectors of several lengths.
template <typename Kernel>
struct VectorVariants {
    Kernel plain;
    std::optional<Kernel> avx2 = std::nullopt;  ///< with FMA
    std::optional<Kernel> avx512 = std::nullopt;
};

/// Those that this processor runs, the longest vectors first.
template <typename Kernel>
[[nodiscard]] std::vector<Kernel> runnable(const VectorVariants<Kernel>& variants) {
    std::vector<Kernel> result;
#ifdef __x86_64__
    if (variants.avx512 && __builtin_cpu_supports("avx512f") != 0) {
        result.push_back(*variants.avx512);
    }
    if (variants.avx2 && __builtin_cpu_supports("avx2") != 0 &&
        __builtin_cpu_supports("fma") != 0) {
        result.push_back(*variants.avx2);
    }
#endif
    result.push_back(variants.plain);
    return result;
}

}  // namespace lipcert
