#include "execution/slopes.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>

namespace lipcert {

namespace {

double logistic(double t) {
    return t >= 0.0 ? 1.0 / (1.0 + std::exp(-t)) : std::exp(t) / (1.0 + std::exp(t));
}

double squared_hyperbolic_secant(double t) {
    const double tanh = std::tanh(t);
    return (1.0 - tanh) * (1.0 + tanh);
}

double gelu_erf_slope(double t) {
    constexpr double kSqrtHalf = 0.70710678118654752440;
    constexpr double kOverRootTwoPi = 0.39894228040143267794;
    return 0.5 * std::erfc(-kSqrtHalf * t) + t * kOverRootTwoPi * std::exp(-0.5 * t * t);
}

double gelu_tanh_slope(double t) {
    constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
    constexpr double kCubic = 0.044715;
    const double inner = kSqrtTwoOverPi * (t + kCubic * t * t * t);
    const double inner_slope = kSqrtTwoOverPi * (1.0 + 3.0 * kCubic * t * t);
    return 0.5 * (1.0 + std::tanh(inner)) +
           0.5 * t * squared_hyperbolic_secant(inner) * inner_slope;
}

/// Of t logistic(a t).
double swish_slope(double t, double a) {
    const double share = logistic(a * t);
    return share + a * t * share * (1.0 - share);
}

double mish_slope(double t) {
    const double softplus = std::max(t, 0.0) + std::log1p(std::exp(-std::abs(t)));
    return std::tanh(softplus) + t * squared_hyperbolic_secant(softplus) * logistic(t);
}

double hardswish_slope(double t) {
    return t < -3.0 ? 0.0 : t >= 3.0 ? 1.0 : (2.0 * t + 3.0) / 6.0;
}

}  // namespace

Matrix slopes(Activation activation, const Matrix& x) {
    switch (activation) {
        case Activation::relu:
            return x.unaryExpr([](double t) { return t >= 0.0 ? 1.0 : 0.0; });
        case Activation::gelu_erf:
            return x.unaryExpr(&gelu_erf_slope);
        case Activation::gelu_tanh:
            return x.unaryExpr(&gelu_tanh_slope);
        case Activation::silu:
            return x.unaryExpr([](double t) { return swish_slope(t, 1.0); });
        case Activation::quick_gelu:
            return x.unaryExpr([](double t) { return swish_slope(t, 1.702); });
        case Activation::mish:
            return x.unaryExpr(&mish_slope);
        case Activation::tanh:
            return x.unaryExpr(&squared_hyperbolic_secant);
        case Activation::hardswish:
            return x.unaryExpr(&hardswish_slope);
        case Activation::relu_squared:
            return 2.0 * x.cwiseMax(0.0);
        case Activation::identity:
            return Matrix::Ones(x.rows(), x.cols());
    }
    throw Error(ErrorKind::internal, "", "an activation without a slope");
}

}  // namespace lipcert
