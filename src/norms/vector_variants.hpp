#pragma once

#include <vector>

/// So that what is called is compiled for the vectors of its caller.
#define LIPCERT_INSIDE __attribute__((always_inline)) inline

namespace lipcert {

/// A function that is compiled for vectors of several lengths.
template <typename Function>
struct VectorVariants {
    Function plain;
    Function avx2 = nullptr;  ///< with FMA
    Function avx512 = nullptr;
};

/// Those that this processor runs, the longest vectors first.
template <typename Function>
[[nodiscard]] std::vector<Function> runnable(const VectorVariants<Function>& variants) {
    std::vector<Function> result;
#ifdef __x86_64__
    if (variants.avx512 != nullptr && __builtin_cpu_supports("avx512f") != 0) {
        result.push_back(variants.avx512);
    }
    if (variants.avx2 != nullptr && __builtin_cpu_supports("avx2") != 0 &&
        __builtin_cpu_supports("fma") != 0) {
        result.push_back(variants.avx2);
    }
#endif
    result.push_back(variants.plain);
    return result;
}

}  // namespace lipcert
