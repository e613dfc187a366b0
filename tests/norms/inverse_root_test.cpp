// Polynomials for an inverse root: of numbers against the root, of matrices against the numbers.
// Nothing rests on them, but a cap that aims wrong is rounded and certified again.
#include "norms/inverse_root.hpp"

#include <algorithm>
#include <cmath>

#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using estimate::InverseRoot;
using estimate::SymmetricFactor;

namespace {

constexpr auto kUnits = {SymmetricFactor::Unit::vectors, SymmetricFactor::Unit::tiles};

/// h^(1/2) p(h)/p(1) - 1 from h = 1 to `top`.
double largest_overshoot(const InverseRoot& root, double top) {
    double largest = 0.0;
    for (double h = 1.0; h <= top; h += 3e-4 * (top - 1.0) + 1e-9) {
        largest = std::max(largest, std::sqrt(h) * root.at(h) / root.at(1.0) - 1.0);
    }
    return largest;
}

}  // namespace

TEST_CASE("an inverse root exceeds the root by no more than it says, and by little") {
    for (double top = 1.0; top <= 17.0; top += 0.21) {
        CAPTURE(top);
        const InverseRoot root(top);
        const double overshoot = largest_overshoot(root, top);
        CHECK(overshoot <= 1.02 * root.overshoot() + 1e-12);  // it looks at samples
        CHECK(root.overshoot() <= 8e-5);
        for (double h = 1.0; h <= top; h += 0.07) {
            CHECK(std::abs(std::sqrt(h) * root.at(h) - 1.0) <= 8e-5);
        }
    }
}

TEST_CASE("an inverse root of a matrix is that of its eigenvalues") {
    test::Random random(0x517);
    const Index size = 120;
    const Matrix q = test::orthonormal_basis(random.gaussian(size, size));
    for (const double top : {1.0, 1.3, 2.5, 4.0, 6.0, 16.0}) {
        CAPTURE(top);
        const InverseRoot root(top);
        Vector values = Vector::LinSpaced(size, 1.0, top);
        values.head(50).setConstant(1.0);
        values.tail(3).setConstant(top);
        const Vector roots = values.unaryExpr([&](double h) { return root.at(h); });
        const FloatMatrix h = (q * values.asDiagonal() * q.transpose()).cast<float>();
        for (const auto unit : kUnits) {
            SymmetricFactor workspace(unit);
            const FloatMatrix found = root.of(h, workspace);
            const Matrix expected = q * roots.asDiagonal() * q.transpose();
            CHECK((found.cast<double>() - expected).norm() <= 1e-4 * std::sqrt(top));
            CHECK((found - found.transpose()).isZero(0.0F));
        }
    }
}
