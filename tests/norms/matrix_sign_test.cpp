// What comes near the sign: number by number, and of a matrix.
#include "norms/matrix_sign.hpp"

#include <algorithm>
#include <cmath>

#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using estimate::SignPolynomial;

namespace {

double value_at(const SignPolynomial& polynomial, double x) {
    for (const auto& step : polynomial.steps()) {
        const double square = x * x;
        x *= step.a + square * (step.b + square * step.c);
    }
    return x;
}

}  // namespace

TEST_CASE("polynomials come as near the sign as they say, and no nearer") {
    for (const double gap : {1e-6, 1e-3, 0.05, 0.5, 0.9}) {
        CAPTURE(gap);
        SignPolynomial polynomial(gap);
        double last = 1.0;
        for (int step = 1; step <= 14 && last > 1e-6; ++step) {
            CAPTURE(step);
            polynomial.add_step();
            double worst = 0.0;
            constexpr int kPoints = 4000;
            for (int i = 0; i <= kPoints; ++i) {
                const double x = std::exp(std::log(gap) * i / kPoints);
                const double value = value_at(polynomial, x);
                worst = std::max(worst, std::abs(value - 1.0));
                CHECK(value_at(polynomial, -x) == -value);
                const double below = value_at(polynomial, x * gap);
                CHECK(below > 0.0);
                CHECK(below <= 1.0 + polynomial.error() + 1e-9);
            }
            CHECK(worst <= 1.001 * polynomial.error() + 1e-9);
            CHECK(worst >= 0.98 * polynomial.error() - 1e-9);
            CHECK(polynomial.error() < last);
            last = polynomial.error();
        }
        CHECK(last <= 1e-6);
    }
}

TEST_CASE("a matrix takes the values of the polynomial") {
    test::Random random(0x516);
    const Index size = 150;
    Vector values = Vector::LinSpaced(size, -1.0, 1.0);
    values.tail(9).setOnes();
    const Matrix q = test::orthonormal_basis(random.gaussian(size, size));
    SignPolynomial polynomial(0.05);
    for (int step = 0; step < 4; ++step) {
        polynomial.add_step();
    }
    const Vector mapped = values.unaryExpr([&](double x) { return value_at(polynomial, x); });
    FloatMatrix x = (q * values.asDiagonal() * q.transpose()).cast<float>();
    estimate::SymmetricFactor workspace;
    estimate::apply(polynomial, x, workspace);
    const Matrix expected = q * mapped.asDiagonal() * q.transpose();
    CHECK((x.cast<double>() - expected).norm() <= 2e-3);
    CHECK((x - x.transpose()).isZero(0.0F));
}
