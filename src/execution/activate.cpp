#include "execution/activate.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lipcert {

namespace {

double logistic(double t) {
    return t >= 0.0 ? 1.0 / (1.0 + std::exp(-t)) : std::exp(t) / (1.0 + std::exp(t));
}

double softplus(double t) {
    return std::max(t, 0.0) + std::log1p(std::exp(-std::abs(t)));
}

double gelu_tanh(double t) {
    constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
    return 0.5 * t * (1.0 + std::tanh(kSqrtTwoOverPi * (t + 0.044715 * t * t * t)));
}

double gelu_erf(double t) {
    constexpr double kSqrtHalf = 0.70710678118654752440;
    return 0.5 * t * std::erfc(-kSqrtHalf * t);
}

template <class Function>
Matrix mapped(Matrix values, double scale, const Function& function) {
    return values.unaryExpr([&](double t) { return scale * function(t); });
}

}  // namespace

Matrix activated(Activation activation, double scale, Matrix values) {
    switch (activation) {
        case Activation::relu:
            return mapped(std::move(values), scale, [](double t) { return std::max(t, 0.0); });
        case Activation::gelu_erf:
            return mapped(std::move(values), scale, gelu_erf);
        case Activation::gelu_tanh:
            return mapped(std::move(values), scale, gelu_tanh);
        case Activation::silu:
            return mapped(std::move(values), scale, [](double t) { return t * logistic(t); });
        case Activation::quick_gelu:
            return mapped(
                std::move(values), scale, [](double t) { return t * logistic(1.702 * t); });
        case Activation::mish:
            return mapped(
                std::move(values), scale, [](double t) { return t * std::tanh(softplus(t)); });
        case Activation::tanh:
            return mapped(std::move(values), scale, [](double t) { return std::tanh(t); });
        case Activation::hardswish:
            return mapped(std::move(values), scale, [](double t) {
                return t * std::clamp(t + 3.0, 0.0, 6.0) / 6.0;
            });
        case Activation::identity:
            return mapped(std::move(values), scale, [](double t) { return t; });
    }
    throw Error(ErrorKind::internal, "", "an activation that cannot be run");
}

}  // namespace lipcert
