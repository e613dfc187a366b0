#pragma once

#include "lipcert/error.hpp"

#include <cfenv>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace lipcert::test {

/// Whether `action` throws Error{environment} whatever the proofs need is missing on this thread:
/// rounding to nearest, subnormal results, subnormal inputs (the last two on x86-64 only). What
/// `action` does runs in that environment; it is restored before anything is compared.
template <typename Action>
[[nodiscard]] bool is_refused_without_ieee(const Action& action) {
    const auto refuses = [&action] {
        try {
            action();
        } catch (const Error& error) {
            return error.kind() == ErrorKind::environment;
        }
        return false;
    };
    bool refused = true;
    for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        std::fesetround(mode);
        const bool here = refuses();
        std::fesetround(FE_TONEAREST);
        refused = refused && here;
    }
#if defined(__x86_64__)
    const unsigned int usual = _mm_getcsr();
    for (const unsigned int flag : {0x8000U, 0x0040U}) {  // FTZ, DAZ
        _mm_setcsr(usual | flag);
        const bool here = refuses();
        _mm_setcsr(usual);
        refused = refused && here;
    }
#endif
    return refused;
}

}  // namespace lipcert::test
