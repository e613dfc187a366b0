#include "norms/matrix_sign.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include <Eigen/LU>

namespace lipcert::estimate {

namespace {

using Eigen::Index;

struct Best {
    OddQuintic quintic;
    double error;
};

/// The best approximation of 1 on [least, most], by Remez' exchange: its error has the same size
/// and changing signs at four points, the ends and two extrema.
Best best_quintic(double least, double most) {
    constexpr int kMostExchanges = 100;
    constexpr double kSettled = 1e-12;
    double first = (3.0 * least + most) / 4.0;
    double second = (least + 3.0 * most) / 4.0;
    Best best{};
    for (int exchange = 0; exchange < kMostExchanges; ++exchange) {
        const Eigen::Array4d x(least, first, second, most);
        Eigen::Matrix4d equations;
        equations << x, x.pow(3), x.pow(5), Eigen::Array4d(1.0, -1.0, 1.0, -1.0);
        const Eigen::Vector4d solution = equations.partialPivLu().solve(Eigen::Vector4d::Ones());
        best = {{solution(0), solution(1), solution(2)}, std::abs(solution(3))};
        // a + 3 b y + 5 c y^2 = 0 at the squares y of the extrema.
        const auto& [a, b, c] = best.quintic;
        const double root = std::sqrt(std::max(9.0 * b * b - 20.0 * a * c, 0.0));
        const double next_first = std::sqrt((-3.0 * b - root) / (10.0 * c));
        const double next_second = std::sqrt((-3.0 * b + root) / (10.0 * c));
        const double moved = std::abs(next_first - first) + std::abs(next_second - second);
        first = next_first;
        second = next_second;
        if (!(moved > kSettled * most)) {
            break;
        }
    }
    return best;
}

/// gain = a I + b X + c X^2; `factor` is free before and after.
void form_gain(const OddQuintic& step,
               const FloatMatrix& x,
               SymmetricFactor& factor,
               FloatMatrix& gain) {
    factor.assign(x);
    factor.times_commuting(x, gain);
    const auto a = static_cast<float>(step.a);
    const auto b = static_cast<float>(step.b);
    const auto c = static_cast<float>(step.c);
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            gain.row(i) = b * x.row(i) + c * gain.row(i);
            gain(i, i) += a;
        }
    });
}

}  // namespace

void SignPolynomial::add_step() {
    constexpr double kNothingLeft = 1e-7;
    if (error() < kNothingLeft) {
        return;
    }
    const Best best = best_quintic(least_, most_);
    steps_.push_back(best.quintic);
    least_ = 1.0 - best.error;
    most_ = 1.0 + best.error;
}

void apply(const SignPolynomial& polynomial, FloatMatrix& x, SymmetricFactor& workspace) {
    FloatMatrix square;
    FloatMatrix gain;
    for (const OddQuintic& step : polynomial.steps()) {
        workspace.assign(x);
        workspace.times_commuting(x, square);
        form_gain(step, square, workspace, gain);
        workspace.assign(gain);
        workspace.times_commuting(x, square);
        std::swap(x, square);
    }
    recycle(std::move(square));
}

double gain_at(const SignPolynomial& polynomial, double x) {
    double gain = 1.0;
    for (const auto& [a, b, c] : polynomial.steps()) {
        const double square = gain * x * gain * x;
        gain *= a + b * square + c * square * square;
    }
    return gain;
}

FloatMatrix inverse_root(const SignPolynomial& polynomial,
                         FloatMatrix x,
                         SymmetricFactor& workspace) {
    FloatMatrix result;
    FloatMatrix gain;
    FloatMatrix next;
    const std::vector<OddQuintic>& steps = polynomial.steps();
    for (std::size_t i = 0; i < steps.size(); ++i) {
        form_gain(steps[i], x, workspace, gain);
        workspace.assign(gain);
        if (i > 0) {
            workspace.times_commuting(result, next);
            std::swap(result, next);
        }
        if (i + 1 < steps.size()) {  // x becomes x gain^2
            workspace.times_commuting(x, next);
            workspace.times_commuting(next, x);
        }
        if (i == 0) {
            std::swap(result, gain);
        }
    }
    recycle(std::move(next));
    return result;
}

}  // namespace lipcert::estimate
