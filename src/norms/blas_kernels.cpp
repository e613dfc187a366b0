#include "lipcert/norms/blas_kernels.hpp"

#include <algorithm>
#include <array>
#include <cblas.h>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace lipcert {

namespace {

constexpr const char* kVariable = "OPENBLAS_CORETYPE";

/// OpenBLAS' names of its kernels that use no AVX.
constexpr std::array<std::string_view, 12> kOldKernels = {"Katmai",
                                                          "Coppermine",
                                                          "Northwood",
                                                          "Prescott",
                                                          "Banias",
                                                          "Core2",
                                                          "Penryn",
                                                          "Dunnington",
                                                          "Nehalem",
                                                          "Opteron",
                                                          "Barcelona",
                                                          "Generic"};

VectorUnits units_of_processor() {
#ifdef __x86_64__
    const auto has = [](int supported) { return supported != 0; };
    return {has(__builtin_cpu_supports("avx2")) && has(__builtin_cpu_supports("fma")),
            has(__builtin_cpu_supports("avx512f")) && has(__builtin_cpu_supports("avx512dq")) &&
                has(__builtin_cpu_supports("avx512bw")) && has(__builtin_cpu_supports("avx512vl"))};
#else
    return {};
#endif
}

}  // namespace

std::optional<std::string> better_kernels(std::string_view chosen, const VectorUnits& units) {
    if (std::find(kOldKernels.begin(), kOldKernels.end(), chosen) == kOldKernels.end()) {
        return std::nullopt;
    }
    if (units.avx512) {
        return "SkylakeX";
    }
    return units.avx2_fma ? std::optional<std::string>("Haswell") : std::nullopt;
}

void use_better_kernels(char** arguments) {
    if (std::getenv(kVariable) != nullptr) {
        return;
    }
    const auto better = better_kernels(openblas_get_corename(), units_of_processor());
    std::error_code failure;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
    if (!better || failure || ::setenv(kVariable, better->c_str(), 0) != 0) {
        return;
    }
    ::execv(program.c_str(), arguments);
    // Still here: slow is better than not at all.
    ::unsetenv(kVariable);
}

}  // namespace lipcert
