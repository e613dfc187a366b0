#include "norms/tile_unit.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lipcert::tile_unit {

namespace {

/// __builtin_cpu_supports does not know the unit in all compilers.
bool is_present(Numbers numbers) {
    constexpr unsigned kLeaf = 7;
    constexpr unsigned kBfloat16 = 1U << 22U;
    constexpr unsigned kTiles = 1U << 24U;
    constexpr unsigned kInt8 = 1U << 25U;
    const unsigned wanted = kTiles | (numbers == Numbers::int8 ? kInt8 : kBfloat16);
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid_count(kLeaf, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & wanted) == wanted &&
           __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0;
}

/// Linux grants the large registers to whoever asks for them.
bool is_granted() {
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr long kTileData = 18;
    static const bool result = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    return result;
}

}  // namespace

bool multiplies(Numbers numbers) {
    return is_present(numbers) && is_granted();
}

}  // namespace lipcert::tile_unit

#else

namespace lipcert::tile_unit {

bool multiplies(Numbers /*numbers*/) {
    return false;
}

}  // namespace lipcert::tile_unit

#endif
