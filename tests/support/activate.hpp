#pragma once

#include "lipcert/architecture/activation.hpp"

#include <cmath>
#include <stdexcept>

#include "support/dual.hpp"

namespace lipcert::test {

template <class Scalar>
Scalar logistic(const Scalar& t) {
    using std::exp;
    if (primal(t) >= 0) {
        return Scalar(1.0) / (Scalar(1.0) + exp(Scalar(-1.0) * t));
    }
    const Scalar power = exp(t);
    return power / (Scalar(1.0) + power);
}

/// log(1 + e^t), without overflow.
template <class Scalar>
Scalar softplus(const Scalar& t) {
    using std::exp;
    using std::log1p;
    return primal(t) > 0 ? t + log1p(exp(Scalar(-1.0) * t)) : log1p(exp(t));
}

template <class Scalar>
Scalar gelu_tanh(const Scalar& t) {
    using std::tanh;
    const Scalar inner = Scalar(std::sqrt(2.0 / M_PI)) * (t + Scalar(0.044715) * t * t * t);
    return Scalar(0.5) * t * (Scalar(1.0) + tanh(inner));
}

template <class Scalar>
Scalar hardswish(const Scalar& t) {
    if (primal(t) <= -3) {
        return Scalar(0.0);
    }
    return primal(t) >= 3 ? t : t * (t + Scalar(3.0)) / Scalar(6.0);
}

/// phi(t) as in docs/theorems.md, R6.
template <class Scalar>
Scalar activate(Activation activation, const Scalar& t) {
    using std::erf;
    using std::tanh;
    switch (activation) {
        case Activation::relu:
            return primal(t) > 0 ? t : Scalar(0.0);
        case Activation::gelu_erf:
            return Scalar(0.5) * t * (Scalar(1.0) + erf(Scalar(M_SQRT1_2) * t));
        case Activation::gelu_tanh:
            return gelu_tanh(t);
        case Activation::silu:
            return t * logistic(t);
        case Activation::quick_gelu:
            return t * logistic(Scalar(1.702) * t);
        case Activation::mish:
            return t * tanh(softplus(t));
        case Activation::tanh:
            return tanh(t);
        case Activation::hardswish:
            return hardswish(t);
        case Activation::relu_squared:
            return primal(t) > 0 ? t * t : Scalar(0.0);
        case Activation::identity:
            return t;
    }
    throw std::invalid_argument("an activation that the forward pass does not know");
}

}  // namespace lipcert::test
