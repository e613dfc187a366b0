#include "norms/subspace_plan.hpp"

#include <algorithm>
#include <cmath>

#include "norms/chebyshev_filter.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

namespace {

/// Costs in seconds per multiply-add on the machine that these were measured on; only their ratios
/// count.
constexpr double kOfDouble = 1.4e-11;
constexpr double kOfEigenSystem = 16e-11;  ///< per cube of the size
/// Reading a matrix costs as much as multiplying so many rows with it.
constexpr double kRowsOfPass = 32.0;
/// An estimate has to promise this part of the cost of a full decomposition at the most.
constexpr double kWorthIt = 0.9;
/// The shortest interval that a filter is planned for, as a part of the top.
constexpr double kLowestEnd = 0x1p-20;

class Costs {
public:
    Costs(const SpectralDensity& density, Eigen::Index size, double level)
        : top_(density.top()), n_(static_cast<double>(size)), level_(level) {}

    [[nodiscard]] double of_decomposition() const { return kOfEigenSystem * n_ * n_ * n_; }

    /// Of what every subspace of so many rows costs once it is filtered.
    [[nodiscard]] double of_projection(double rows) const {
        const bool is_large = rows >= kLarge * n_;
        const double systems = is_large ? 1.0 : 2.0;
        const double products = is_large ? 1.0 : 4.0;
        return products * kOfDouble * n_ * n_ * (rows + kRowsOfPass) + systems * of_basis(rows) +
               systems * kOfEigenSystem * rows * rows * rows;
    }

    [[nodiscard]] double of_filters(double rows, double end) const {
        const Interval kept = from_zero(end, kLowestEnd * top_);
        const double degrees = degrees_for(kFromRandom, level_, kept);
        const double between =
            std::max(std::log(kLargestGrowthInFloat) / std::log(chebyshev_growth(top_, kept)), 2.0);
        return degrees * (of_product(rows) + of_basis(rows) / between);
    }

    [[nodiscard]] double of_sign(double rows, const SignPolynomial& sign) const {
        constexpr double kProducts = 1.5;  // three of half a product
        return kProducts * static_cast<double>(sign.steps().size()) * of_product(n_) +
               (degree_on_sign(sign) + 1.0) * of_product(rows) + of_basis(rows);
    }

private:
    [[nodiscard]] double of_product(double rows) const {
        return SymmetricFactor::cost() * n_ * n_ * (rows + kRowsOfPass);
    }

    /// Of an orthonormal basis, with its passes over the rows.
    [[nodiscard]] double of_basis(double rows) const {
        constexpr double kPasses = 64.0;
        return kOfDouble * n_ * rows * (rows + kPasses);
    }

    double top_;
    double n_;
    double level_;
};

/// The cheapest one for a subspace whose complement ends at `end`.
SideOfLevel side_of_level(double level, double end, double top, double rows, const Costs& costs) {
    constexpr std::size_t kMostSteps = 12;
    const double scale = std::max(kBeyondTop * top - level, level);
    constexpr double kLargestGap = 0.9;
    SignPolynomial best(std::min((level - end) / scale, kLargestGap));
    best.add_step();
    for (SignPolynomial next = best;
         next.steps().size() < kMostSteps && next.error() > kLeastErrorOfSign;) {
        next.add_step();
        if (costs.of_sign(rows, next) < costs.of_sign(rows, best)) {
            best = next;
        }
    }
    return {level, scale, best};
}

}  // namespace

std::optional<SubspacePlan> plan_subspace(const SpectralDensity& density,
                                          Eigen::Index size,
                                          double level,
                                          bool is_for_float) {
    const double count = density.count_above(level);
    const double spread = SpectralDensity::spread(count);
    const Costs costs(density, size, level);
    std::optional<SubspacePlan> best;
    double least = kWorthIt * costs.of_decomposition();
    for (const double part : {1.03, 1.06, 1.1, 1.15, 1.2, 1.3, 1.45, 1.6, 1.8, 2.0}) {
        const double rows = std::ceil(part * count + spread + kSpare);
        if (rows > kLargestPart * static_cast<double>(size)) {
            break;
        }
        // As if as many more were above the level as the count may be off.
        const double end = std::min(density.level_below(rows - spread), 0.99 * level);
        const double projection = costs.of_projection(rows);
        const auto take_if_cheaper = [&](double cost, const std::optional<SideOfLevel>& side) {
            if (cost + projection < least) {
                least = cost + projection;
                best = SubspacePlan{static_cast<Eigen::Index>(rows), end, side};
            }
        };
        take_if_cheaper(costs.of_filters(rows, end), std::nullopt);
        if (is_for_float) {
            const SideOfLevel side = side_of_level(level, end, density.top(), rows, costs);
            take_if_cheaper(costs.of_sign(rows, side.sign), side);
        }
    }
    return best;
}

}  // namespace lipcert::estimate
