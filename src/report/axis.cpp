#include "report/axis.hpp"

#include <cmath>

namespace lipcert {

double Axis::at(double value) const {
    return begin + (value - low) / (high - low) * (end - begin);
}

double Axis::step() const {
    constexpr double kSteps = 6.0;
    const double raw = (high - low) / kSteps;
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double digit = raw / power;
    return power * (digit > 5.0 ? 10.0 : digit > 2.0 ? 5.0 : digit > 1.0 ? 2.0 : 1.0);
}

std::vector<double> Axis::marks() const {
    const long count = std::lround((high - low) / step());
    std::vector<double> result;
    for (long i = 0; i <= count; ++i) {
        result.push_back(low + static_cast<double>(i) * step());
    }
    return result;
}

void Axis::round_out() {
    if (!(high > low)) {
        low -= 0.5;
        high += 0.5;
    }
    const double unit = step();
    low = unit * std::floor(low / unit);
    high = unit * std::ceil(high / unit);
}

}  // namespace lipcert
