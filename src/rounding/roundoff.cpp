#include "lipcert/rounding/roundoff.hpp"

namespace lipcert {

Upper unit_roundoff() {
    return Upper::power_of_two(-52);
}

Upper underflow_unit() {
    return Upper::power_of_two(-1022);
}

Upper gamma(std::size_t operations) {
    const Upper error = Upper::of_count(operations) * unit_roundoff();
    return error / (Lower::exact(1.0) - error);
}

}  // namespace lipcert
