#include "norms/excess.hpp"

#include <cmath>
#include <utility>

#include "norms/inverse_root.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

namespace {

using Eigen::Index;

/// max(G, level I)/level = I + (G + G S)/(2 level) - (I + S)/2 from the sign S of G - level I.
FloatMatrix raised_to_level(const FloatMatrix& gram,
                            double level,
                            const FloatMatrix& sign,
                            SymmetricFactor& workspace) {
    workspace.assign(sign);
    FloatMatrix result;
    workspace.times_commuting(gram, result);
    const auto half = static_cast<float>(0.5 / level);
    for_each_row(result.rows(), result.cols(), [&](Index i) {
        result.row(i) = half * (result.row(i) + gram.row(i)) - 0.5F * sign.row(i);
        result(i, i) += 0.5F;
    });
    return result;
}

/// For a top that was estimated, from below.
InverseRoot inverse_root_for(double top) {
    constexpr double kBeyond = 1.01;
    return InverseRoot(kBeyond * top);
}

}  // namespace

double expected_overshoot(double top) {
    constexpr double kRounding = 4e-6;  // measured: up to 2.8e-6 with a tile unit
    return inverse_root_for(top).overshoot() + kRounding * top;
}

std::optional<Excess> excess_above(const SharpSignPlan& plan, GramSpectrum& gram) {
    SymmetricFactor workspace;
    std::optional<FloatMatrix> sign = sharp_sign(plan, gram, workspace);
    if (!sign) {
        return std::nullopt;
    }
    FloatMatrix raised = raised_to_level(gram.matrix(), plan.side.level, *sign, workspace);
    const double top = gram.density().top() / plan.side.level;
    const InverseRoot root = inverse_root_for(top);

    Excess result;
    const double trace = sign->diagonal().cast<double>().sum();
    result.count =
        static_cast<Index>(std::lround(0.5 * (static_cast<double>(gram.size()) + trace)));
    result.matrix = root.of(std::move(raised), workspace);
    // 1 becomes exactly 1, so that what lies below the level stays.
    const auto factor = static_cast<float>(-1.0 / root.at(1.0));
    for_each_row(result.matrix.rows(), result.matrix.cols(), [&](Index i) {
        result.matrix.row(i) *= factor;
        result.matrix(i, i) += 1.0F;
    });
    // The side above the level, and the excess 1 - c/sigma: the square of their sum goes along with
    // sigma - c, within .3 % for tops from 1.1 to 3.
    const double least = 1.0 / std::sqrt(top);
    const auto share = static_cast<float>(0.2 * least * (1.0 - least));
    result.weights = std::move(*sign);
    Eigen::VectorXf sums(result.weights.rows());
    for_each_row(result.weights.rows(), result.weights.cols(), [&](Index i) {
        result.weights.row(i) = share * result.weights.row(i) + result.matrix.row(i);
        result.weights(i, i) += share;
        sums(i) = result.weights.row(i).sum();
    });
    if (!sums.allFinite()) {
        return std::nullopt;
    }
    return result;
}

}  // namespace lipcert::estimate
