#pragma once

#include <cmath>

#include <Eigen/Core>

namespace lipcert::test {

/// A number with its derivatives along eight directions (forward-mode differentiation): the exact
/// Jacobian of the forward pass, free of the noise of finite differences.
struct Dual {
    static constexpr int kDirections = 8;
    using Derivatives = Eigen::Array<double, kDirections, 1>;

    double value = 0.0;
    Derivatives derivatives = Derivatives::Zero();

    Dual() = default;

    explicit Dual(double constant) : value(constant) {}

    Dual(double number, Derivatives along) : value(number), derivatives(std::move(along)) {}
};

inline Dual operator+(const Dual& a, const Dual& b) {
    return {a.value + b.value, a.derivatives + b.derivatives};
}

inline Dual operator-(const Dual& a, const Dual& b) {
    return {a.value - b.value, a.derivatives - b.derivatives};
}

inline Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.derivatives * b.value + b.derivatives * a.value};
}

inline Dual operator/(const Dual& a, const Dual& b) {
    const double quotient = a.value / b.value;
    return {quotient, (a.derivatives - b.derivatives * quotient) / b.value};
}

inline Dual operator*(double a, const Dual& b) {
    return {a * b.value, b.derivatives * a};
}

inline Dual& operator+=(Dual& a, const Dual& b) {
    return a = a + b;
}

inline Dual exp(const Dual& a) {
    const double result = std::exp(a.value);
    return {result, a.derivatives * result};
}

inline Dual tanh(const Dual& a) {
    const double result = std::tanh(a.value);
    return {result, a.derivatives * ((1.0 - result) * (1.0 + result))};
}

inline Dual erf(const Dual& a) {
    const double slope = M_2_SQRTPI * std::exp(-a.value * a.value);
    return {std::erf(a.value), a.derivatives * slope};
}

inline Dual log1p(const Dual& a) {
    return {std::log1p(a.value), a.derivatives * (1.0 / (1.0 + a.value))};
}

inline Dual sqrt(const Dual& a) {
    const double root = std::sqrt(a.value);
    return {root, a.derivatives * (0.5 / root)};
}

/// What comparisons (relu, the maximum of scores) look at.
inline double primal(double a) {
    return a;
}

inline long double primal(long double a) {
    return a;
}

inline double primal(const Dual& a) {
    return a.value;
}

/// A stored number times a computed one, in the latter's arithmetic.
inline double times(double a, double b) {
    return a * b;
}

inline long double times(double a, long double b) {
    return static_cast<long double>(a) * b;
}

inline Dual times(double a, const Dual& b) {
    return {a * b.value, b.derivatives * a};
}

/// The embedding stream, one token per row, in the arithmetic `Scalar`.
template <class Scalar>
using Stream = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace lipcert::test

/// Eigen is only a container here; its own algebra is never applied to a Dual.
template <>
struct Eigen::NumTraits<lipcert::test::Dual> : Eigen::NumTraits<double> {
    using Real = lipcert::test::Dual;
    using NonInteger = lipcert::test::Dual;
    using Nested = lipcert::test::Dual;
    using Literal = lipcert::test::Dual;

    enum { RequireInitialization = 1 };  // NOLINT(readability-identifier-naming): Eigen's name
};
