#include "capping/spectral_map.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lipcert::capping {

namespace {

/// The coupling of `kSoftCapReach`: the zero of 1 - 15 t^2 + 21 t^3 - 9 t^4, the derivative of a
/// round at k as a function of t. It decreases, so a smaller t and every x below k have a positive
/// one.
constexpr double kSteepestCoupling = 1.0 / 3.0;

/// A round maps x (a part of k) to x * gain(t x^2).
double gain(double t) {
    return (1.0 - t) * (1.0 + t * (1.0 - t) * (1.0 - t));
}

}  // namespace

double soft_cap_coupling(double ratio) {
    double low = 0.0;
    double high = 1.0;
    constexpr int kBits = 60;
    for (int step = 0; step < kBits; ++step) {
        const double middle = 0.5 * (low + high);
        (gain(middle) > ratio ? low : high) = middle;
    }
    return high;  // of the two the one that caps lower
}

SpectralMap hard_cap(double ratio) {
    return {[ratio](double x) { return std::min(1.0, x / ratio); }, ratio, true, true};
}

SpectralMap soft_cap(double ratio) {
    std::vector<double> couplings;
    double rest = ratio;
    while (rest < kSoftCapReach) {
        couplings.push_back(kSteepestCoupling);
        rest /= kSoftCapReach;
    }
    couplings.push_back(soft_cap_coupling(std::min(rest, 1.0)));
    // Below this part of the limit a round changes x by less than 3 t^2 2^-52.
    constexpr double kNoChange = 0x1p-13;
    return {[couplings](double x) {
                // x stays a part of the norm at hand, which each round divides by 1/gain(t).
                for (const double t : couplings) {
                    x *= gain(t * x * x) / gain(t);
                }
                return std::min(x, 1.0);
            },
            kNoChange * ratio,
            true};
}

SpectralMap decay_until_limit(double ratio, double decay) {
    return {[ratio, decay](double x) {
                const double excess = std::log(x / ratio);
                const double steps = std::ceil(std::max(excess, 0.0) / -std::log1p(-decay));
                return std::min(1.0, x / ratio * std::exp(steps * std::log1p(-decay)));
            },
            ratio,
            false};
}

SpectralMap orthogonal() {
    return {[](double x) { return x > 0.0 ? 1.0 : 0.0; }, 0.0, true};
}

}  // namespace lipcert::capping
