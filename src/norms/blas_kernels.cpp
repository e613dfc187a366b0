#include "lipcert/norms/blas_kernels.hpp"

#include <algorithm>
#include <array>
#include <cblas.h>
#include <cstdlib>
#include <sys/auxv.h>
#include <sys/prctl.h>
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

/// What was started from /proc/self/exe is listed as "exe" otherwise.
void restore_name(const char* program) {
    std::array<char, 16> name{};  // as long as the kernel has it
    const bool is_lost = ::prctl(PR_GET_NAME, name.data()) == 0 &&
                         std::string_view(name.data()) == "exe" && program != nullptr;
    if (is_lost) {
        const std::string_view path(program);
        const std::string base(path.substr(path.rfind('/') + 1));
        static_cast<void>(::prctl(PR_SET_NAME, base.c_str()));
    }
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
    constexpr const char* kProgram = "/proc/self/exe";
    if (std::getenv(kVariable) != nullptr) {
        restore_name(arguments[0]);
        return;
    }
    // Started by way of the loader, that is the program of this process; and no environment is
    // handed to what has more rights than its user.
    const bool is_own_program = ::getauxval(AT_BASE) != 0 && ::getauxval(AT_SECURE) == 0;
    const auto better = better_kernels(openblas_get_corename(), units_of_processor());
    if (!better || !is_own_program || ::setenv(kVariable, better->c_str(), 0) != 0) {
        return;
    }
    ::execv(kProgram, arguments);
    // Still here: slow is better than not at all.
    ::unsetenv(kVariable);
}

}  // namespace lipcert
