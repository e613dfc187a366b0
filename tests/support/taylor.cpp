#include "support/taylor.hpp"

namespace lipcert::test {

namespace {

Taylor variable(double t) {
    return {Real(t), Real(1.0), Real(), Real()};
}

Taylor constant(const Real& value) {
    return {value, Real(), Real(), Real()};
}

Taylor operator+(const Taylor& a, const Taylor& b) {
    return {a.value + b.value, a.first + b.first, a.second + b.second, a.third + b.third};
}

Taylor operator*(const Taylor& a, const Taylor& b) {
    const Real two(2.0);
    const Real three(3.0);
    return {a.value * b.value,
            a.first * b.value + a.value * b.first,
            a.second * b.value + two * a.first * b.first + a.value * b.second,
            a.third * b.value + three * a.second * b.first + three * a.first * b.second +
                a.value * b.third};
}

/// f(inner), from f and its derivatives at inner.value (Faa di Bruno).
Taylor chain(const Taylor& f, const Taylor& inner) {
    return {f.value,
            f.first * inner.first,
            f.second * inner.first * inner.first + f.first * inner.second,
            f.third * inner.first * inner.first * inner.first +
                Real(3.0) * f.second * inner.first * inner.second + f.first * inner.third};
}

Taylor tanh(const Taylor& inner) {
    const Real one(1.0);
    const Real two(2.0);
    const Real t = inner.value.through(mpfr_tanh);
    const Real slope = one - t * t;
    return chain({t, slope, Real(-2.0) * t * slope, Real(-2.0) * slope * (slope - two * t * t)},
                 inner);
}

Taylor exp(const Taylor& inner) {
    const Real e = inner.value.through(mpfr_exp);
    return chain({e, e, e, e}, inner);
}

Taylor sigmoid(const Taylor& inner) {
    const Taylor half = constant(Real(0.5));
    return half + half * tanh(half * inner);
}

/// log(1 + e^t): its slope is the sigmoid.
Taylor softplus(const Taylor& inner) {
    const Taylor at = sigmoid(variable(inner.value.to_double()));
    const Real value = exp(constant(inner.value)).value.through(mpfr_log1p);
    return chain({value, at.value, at.first, at.second}, inner);
}

Taylor erf(const Taylor& inner) {
    const Real& x = inner.value;
    const Real root_pi = Real(-1.0).through([](mpfr_ptr r, mpfr_srcptr y, mpfr_rnd_t mode) {
        mpfr_acos(r, y, mode);
        return mpfr_sqrt(r, r, mode);
    });
    const Real slope = Real(2.0) / root_pi * (Real(-1.0) * x * x).through(mpfr_exp);
    const Real two(2.0);
    return chain(
        {x.through(mpfr_erf), slope, Real(-2.0) * x * slope, (Real(4.0) * x * x - two) * slope},
        inner);
}

Taylor gelu_tanh(const Taylor& t) {
    // sqrt(2/pi) (t + 0.044715 t^3)
    const Real pi = Real(-1.0).through(mpfr_acos);
    const Taylor scale = constant((Real(2.0) / pi).through(mpfr_sqrt));
    const Taylor inner = scale * (t + constant(Real::parse("0.044715")) * t * t * t);
    return constant(Real(0.5)) * t * (constant(Real(1.0)) + tanh(inner));
}

Taylor hardswish(double t) {
    if (t <= -3.0) {
        return constant(Real());
    }
    Taylor x = variable(t);
    if (t >= 3.0) {
        return x;
    }
    return x * (x + constant(Real(3.0))) * constant(Real(1.0) / Real(6.0));
}

}  // namespace

Taylor evaluate(Activation activation, double t) {
    Taylor x = variable(t);
    switch (activation) {
        case Activation::identity:
            return x;
        case Activation::relu:
            return t > 0.0 ? x : constant(Real());
        case Activation::tanh:
            return tanh(x);
        case Activation::gelu_erf: {
            const Real root_half = Real(0.5).through(mpfr_sqrt);
            return constant(Real(0.5)) * x * (constant(Real(1.0)) + erf(constant(root_half) * x));
        }
        case Activation::gelu_tanh:
            return gelu_tanh(x);
        case Activation::silu:
            return x * sigmoid(x);
        case Activation::quick_gelu:
            return x * sigmoid(constant(Real::parse("1.702")) * x);
        case Activation::mish:
            return x * tanh(softplus(x));
        case Activation::hardswish:
            return hardswish(t);
        case Activation::relu_squared:
            return t > 0.0 ? x * x : constant(Real());
    }
    return {};
}

}  // namespace lipcert::test
