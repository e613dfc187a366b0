#include "lipcert/rounding/environment.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/strict_math.hpp"

#include <cfloat>
#include <limits>

namespace lipcert {

namespace {

static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<double>::digits == 53);
static_assert(FLT_EVAL_METHOD == 0, "double must be computed in double (no x87)");

/// 1 + 2^-53 alone passes when rounding down or toward zero; the mirrored and the three-quarter
/// probe tell those two apart from rounding to nearest.
bool rounds_to_nearest() {
    const volatile double half_ulp = 0x1p-53;
    const volatile double three_quarter_ulp = 0x1.8p-53;
    const volatile double one = 1.0;
    const volatile double up = one + half_ulp;
    const volatile double down = -one - half_ulp;
    const volatile double next = one + three_quarter_ulp;
    return up == 1.0 && down == -1.0 && next == 1.0 + 0x1p-52;
}

/// A flushed input (DAZ) and a flushed result (FTZ) both give 0.
bool keeps_subnormals() {
    const volatile double subnormal = 0x1p-1050;
    const volatile double smallest_normal = 0x1p-1022;
    const volatile double kept_input = subnormal * 1.0;
    const volatile double scaled_input = subnormal * 0x1p+100;
    const volatile double kept_result = smallest_normal * 0.5;
    // Compared after scaling up: under DAZ `subnormal != 0` would itself be false.
    return kept_input * 0x1p+100 == 0x1p-950 && scaled_input == 0x1p-950 &&
           kept_result * 0x1p+100 == 0x1p-923;
}

}  // namespace

void require_ieee_environment() {
    if (!rounds_to_nearest()) {
        throw Error(ErrorKind::environment,
                    "",
                    "floating-point arithmetic does not round to nearest on this thread; the "
                    "proofs need it. Restore the rounding mode (fesetround) before calling");
    }
    if (!keeps_subnormals()) {
        throw Error(ErrorKind::environment,
                    "",
                    "subnormal numbers are flushed to zero on this thread (FTZ or DAZ); the proofs "
                    "need them. A library linked with -ffast-math sets this for the process: find "
                    "and rebuild it");
    }
}

}  // namespace lipcert
