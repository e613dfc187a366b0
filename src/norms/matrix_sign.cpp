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

void form_gain(const OddQuintic& step,
               const FloatMatrix& x,
               SymmetricFactor& workspace,
               FloatMatrix& gain) {
    workspace.square(x, gain);
    const auto a = static_cast<float>(step.a);
    const auto b = static_cast<float>(step.b);
    const auto c = static_cast<float>(step.c);
    for_each_row(x.rows(), x.cols(), [&](Index i) {
        gain.row(i) = b * x.row(i) + c * gain.row(i);
        gain(i, i) += a;
    });
}

void apply(const SignPolynomial& polynomial, FloatMatrix& x, SymmetricFactor& workspace) {
    FloatMatrix square;
    FloatMatrix gain;
    for (const OddQuintic& step : polynomial.steps()) {
        workspace.square(x, square);
        form_gain(step, square, workspace, gain);
        workspace.assign(gain);
        workspace.times_commuting(x, square);
        std::swap(x, square);
    }
    recycle(std::move(square));
}

}  // namespace lipcert::estimate
