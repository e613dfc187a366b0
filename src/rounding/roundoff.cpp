#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <limits>

namespace lipcert {

Upper unit_roundoff(Precision precision) {
    return Upper::power_of_two(precision == Precision::float64 ? -52 : -23);
}

Upper underflow_unit(Precision precision) {
    return Upper::power_of_two(precision == Precision::float64 ? -1022 : -126);
}

Upper gamma(std::size_t operations, Precision precision) {
    const Upper error = Upper::of_count(operations) * unit_roundoff(precision);
    return error / (Lower::exact(1.0) - error);
}

double next_up(double value) {
    return std::nextafter(value, std::numeric_limits<double>::infinity());
}

}  // namespace lipcert
