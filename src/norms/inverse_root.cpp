#include "norms/inverse_root.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include <Eigen/LU>

namespace lipcert::estimate {

namespace {

using Eigen::Index;

constexpr Index kCoefficients = 9;
using Coefficients = Eigen::Matrix<double, kCoefficients, 1>;

/// In whatever interval, fewer digits than float64 has tell the last coefficients.
constexpr double kLeastTop = 2.0;
constexpr int kSamples = 200;

/// h^(-1/2) where x in [-1, 1] stands for h in [1, top].
double inverse_root_at(double x, double top) {
    return 1.0 / std::sqrt(0.5 * ((top - 1.0) * x + top + 1.0));
}

/// Of the polynomial in x through h^(-1/2) at the zeros of Chebyshev's polynomial: 1.3 to 1.8 times
/// as far off as the best one.
Coefficients interpolated(double top) {
    Eigen::Matrix<double, kCoefficients, kCoefficients> powers;
    Coefficients values;
    for (Index i = 0; i < kCoefficients; ++i) {
        const double angle = std::numbers::pi * (static_cast<double>(i) + 0.5) / kCoefficients;
        const double x = std::cos(angle);
        for (Index k = 0; k < kCoefficients; ++k) {
            powers(i, k) = std::pow(x, static_cast<double>(k));
        }
        values(i) = inverse_root_at(x, top);
    }
    return powers.partialPivLu().solve(values);
}

/// Coefficients are compared, from x^8 down; that of x^8 must be positive. e2 is a root of a
/// quadratic equation, real ones for inverse roots with tops from 2 to 17.
Octic octic_of(const Coefficients& b) {
    Octic p{};
    p.c4 = std::sqrt(b(8));
    p.c3 = b(7) / (2.0 * p.c4);
    const double sum = (b(6) - p.c3 * p.c3) / p.c4;  // d2 + e2
    p.d1 = (b(5) - p.c3 * sum) / p.c4;
    const double ratio = p.c4 / p.c3;
    // e2^2 - linear e2 - constant = 0.
    const double linear = sum - ratio * p.d1;
    const double constant = p.c3 * p.d1 + ratio * b(3) - b(4);
    const double root = std::sqrt(std::max(linear * linear + 4.0 * constant, 0.0));
    p.e2 = 0.5 * (linear - std::copysign(root, linear));  // the smaller one
    p.d2 = sum - p.e2;
    p.e0 = (b(3) - p.d1 * p.e2) / p.c3;
    p.f2 = b(2);
    p.f1 = b(1);
    p.f0 = b(0);
    return p;
}

struct Range {
    double least = 1.0;
    double most = 1.0;
};

/// What h^(1/2) p(h) is between.
Range range_of(const InverseRoot& p, double top) {
    Range range;
    for (int i = 0; i <= kSamples; ++i) {
        // Closer at the ends, where the polynomial swings faster.
        const double x = -std::cos(std::numbers::pi * i / kSamples);
        const double h = 1.0 + 0.5 * (top - 1.0) * (1.0 + x);
        const double product = std::sqrt(h) * p.at(h);
        range.least = std::min(range.least, product);
        range.most = std::max(range.most, product);
    }
    return range;
}

}  // namespace

double Octic::at(double x) const {
    const double square = x * x;
    const double y = square * (c4 * square + c3 * x);
    return (y + d2 * square + d1 * x) * (y + e2 * square) + e0 * y + f2 * square + f1 * x + f0;
}

FloatMatrix Octic::of(FloatMatrix x, SymmetricFactor& workspace) const {
    const auto f = [](double number) { return static_cast<float>(number); };
    FloatMatrix square;
    workspace.square(x, square);
    FloatMatrix left;
    resize_uninitialised(left, x.rows(), x.cols());
    for_each_row(x.rows(), x.cols(), [&](Index i) {
        left.row(i) = f(c4) * square.row(i) + f(c3) * x.row(i);
    });
    FloatMatrix y;
    workspace.assign(square);
    workspace.times_commuting(left, y);
    // The factors, and in place of X what is added to their product.
    for_each_row(x.rows(), x.cols(), [&](Index i) {
        left.row(i) = y.row(i) + f(d2) * square.row(i) + f(d1) * x.row(i);
        x.row(i) = f(e0) * y.row(i) + f(f2) * square.row(i) + f(f1) * x.row(i);
        x(i, i) += f(f0);
        y.row(i) += f(e2) * square.row(i);
    });
    workspace.assign(y);
    workspace.times_commuting(left, square);
    for_each_row(x.rows(), x.cols(), [&](Index i) { x.row(i) += square.row(i); });
    recycle(std::move(square));
    return x;
}

InverseRoot::InverseRoot(double top) {
    constexpr double kFarOff = 4e-5;
    top = std::max(top, kLeastTop);
    slope_ = 2.0 / (top - 1.0);
    shift_ = -(top + 1.0) / (top - 1.0);
    const Coefficients coefficients = interpolated(top);
    first_ = octic_of(coefficients);
    Range range = range_of(*this, top);
    if (range.most - range.least > 2.0 * kFarOff) {
        first_ = octic_of(coefficients / range.most);  // a sign polynomial is for at most 1
        SignPolynomial polynomial(range.least / range.most);
        polynomial.add_step();
        quintics_ = polynomial.steps();
        range = range_of(*this, top);
    }
    overshoot_ = range.most / at(1.0) - 1.0;
}

double InverseRoot::at(double h) const {
    double root = first_.at(slope_ * h + shift_);
    for (const auto& [a, b, c] : quintics_) {
        const double square = h * root * root;
        root *= a + b * square + c * square * square;
    }
    return root;
}

FloatMatrix InverseRoot::of(FloatMatrix h, SymmetricFactor& workspace) const {
    FloatMatrix kept;
    if (!quintics_.empty()) {
        kept = h;
    }
    for_each_row(h.rows(), h.cols(), [&](Index i) {
        h.row(i) *= static_cast<float>(slope_);
        h(i, i) += static_cast<float>(shift_);
    });
    FloatMatrix root = first_.of(std::move(h), workspace);
    FloatMatrix image;
    FloatMatrix square;
    for (const OddQuintic& step : quintics_) {
        workspace.assign(root);
        workspace.times_commuting(kept, image);
        workspace.times_commuting(image, square);
        form_gain(step, square, workspace, image);
        workspace.assign(image);
        workspace.times_commuting(root, square);
        std::swap(root, square);
    }
    recycle(std::move(square));
    return root;
}

}  // namespace lipcert::estimate
