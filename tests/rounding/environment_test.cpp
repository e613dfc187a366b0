#include "lipcert/rounding/environment.hpp"

#include "lipcert/error.hpp"

#include <cfenv>

#include <doctest/doctest.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::require_ieee_environment;

namespace {

bool is_refused() {
    try {
        require_ieee_environment();
        return false;
    } catch (const Error& error) {
        return error.kind() == ErrorKind::environment;
    }
}

}  // namespace

TEST_CASE("the default floating-point environment is accepted") {
    CHECK_NOTHROW(require_ieee_environment());
}

TEST_CASE("every rounding mode but to-nearest is refused") {
    for (const int mode : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO}) {
        REQUIRE(std::fesetround(mode) == 0);
        const bool refused = is_refused();
        std::fesetround(FE_TONEAREST);
        CHECK(refused);
    }
}

#if defined(__x86_64__)
TEST_CASE("flushing subnormal results or inputs to zero is refused") {
    constexpr unsigned int kFlushResults = 0x8000;  // FTZ
    constexpr unsigned int kFlushInputs = 0x0040;   // DAZ
    const unsigned int usual = _mm_getcsr();
    _mm_setcsr(usual | kFlushResults);
    const bool results_refused = is_refused();
    _mm_setcsr(usual | kFlushInputs);
    const bool inputs_refused = is_refused();
    _mm_setcsr(usual);
    CHECK(results_refused);
    CHECK(inputs_refused);
    CHECK_FALSE(is_refused());
}
#endif
