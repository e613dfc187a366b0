#include "norms/excess.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/large_matrix.hpp"
#include "norms/matrix_sign.hpp"
#include "norms/parallel.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

namespace {

using Eigen::Index;

/// Rows of `x` in place, on several threads.
template <typename Work>
void for_each_row(FloatMatrix& x, const Work& work) {
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            work(i);
        }
    });
}

/// max(G, level I)/level from the sign of G - level I: with X = G/level - I it is I + (X + X S)/2.
FloatMatrix raised_to_level(const SharpSignPlan& plan,
                            FloatMatrix gram,
                            const FloatMatrix& sign,
                            SymmetricFactor& workspace) {
    to_unit_interval(plan.side, gram);
    workspace.assign(sign);
    FloatMatrix result;
    workspace.times_commuting(gram, result);
    const auto half = static_cast<float>(0.5 * plan.side.scale / plan.side.level);
    for_each_row(result, [&](Index i) {
        result.row(i) = half * (result.row(i) + gram.row(i));
        result(i, i) += 1.0F;
    });
    recycle(std::move(gram));
    return result;
}

/// For numbers in [gap, 1], and in no shorter interval than one that leaves something to do.
SignPolynomial inverse_polynomial(double gap) {
    constexpr double kError = 2e-5;
    constexpr double kLargestGap = 0.9;
    SignPolynomial result(std::min(gap, kLargestGap));
    while (result.steps().empty() || result.error() > kError) {
        result.add_step();
    }
    return result;
}

}  // namespace

double expected_overshoot(double top) {
    constexpr double kRounding = 8e-6;  // measured: 2.7e-6 to 6e-6 with a tile unit
    return 2.0 * inverse_polynomial(1.0 / std::sqrt(top)).error() + kRounding * top;
}

std::optional<Excess> excess_above(const SharpSignPlan& plan, GramSpectrum& gram) {
    SymmetricFactor workspace;
    std::optional<FloatMatrix> sign = sharp_sign(plan, gram, workspace);
    if (!sign) {
        return std::nullopt;
    }
    FloatMatrix raised = raised_to_level(plan, gram.take_matrix(), *sign, workspace);
    const double top = 1.0 + plan.side.scale / plan.side.level;  // at least that of `raised`
    const auto to_unit = static_cast<float>(1.0 / top);
    for_each_row(raised, [&](Index i) { raised.row(i) *= to_unit; });
    const double least = 1.0 / std::sqrt(top);
    const SignPolynomial polynomial = inverse_polynomial(least);

    Excess result;
    const double trace = sign->diagonal().cast<double>().sum();
    result.count =
        static_cast<Index>(std::lround(0.5 * (static_cast<double>(gram.size()) + trace)));
    result.matrix = inverse_root(polynomial, std::move(raised), workspace);
    // The root of 1/top becomes exactly 1, so that what lies below the level stays.
    const auto factor = static_cast<float>(-1.0 / gain_at(polynomial, least));
    for_each_row(result.matrix, [&](Index i) {
        result.matrix.row(i) *= factor;
        result.matrix(i, i) += 1.0F;
    });
    // The side above the level, and the excess 1 - c/sigma: the square of their sum goes along with
    // sigma - c, within .3 % for tops from 1.1 to 3.
    const auto share = static_cast<float>(0.2 * least * (1.0 - least));
    result.weights = std::move(*sign);
    for_each_row(result.weights, [&](Index i) {
        result.weights.row(i) = share * result.weights.row(i) + result.matrix.row(i);
        result.weights(i, i) += share;
    });
    return result;
}

}  // namespace lipcert::estimate
