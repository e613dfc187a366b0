// Products that guesses rest on, by both units, against sums in float64.
#include "norms/symmetric_factor.hpp"

#include <cmath>

#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using estimate::SymmetricFactor;

namespace {

constexpr auto kUnits = {SymmetricFactor::Unit::vectors, SymmetricFactor::Unit::tiles};

FloatMatrix symmetric(Index size, double scale, test::Random& random) {
    const Matrix a = random.gaussian(size, size);
    return (scale * (a + a.transpose())).cast<float>();
}

/// The largest error, as a part of the largest sum of magnitudes.
double error_of(const FloatMatrix& product, const FloatMatrix& a, const FloatMatrix& b) {
    const Matrix exact = a.cast<double>() * b.cast<double>();
    const Matrix magnitude = a.cast<double>().cwiseAbs() * b.cast<double>().cwiseAbs();
    return (product.cast<double>() - exact).cwiseAbs().maxCoeff() / magnitude.maxCoeff();
}

}  // namespace

TEST_CASE("rows times a symmetric matrix, whatever does not fill its blocks") {
    test::Random random(0x5f1);
    for (const auto unit : kUnits) {
        SymmetricFactor factor(unit);
        // Memory is used again for smaller ones, and what stood there must not count.
        for (const Index size : {600, 1, 31, 32, 33, 255, 257}) {
            for (const double scale : {1.0, 1e-25, 1e15}) {
                CAPTURE(size);
                CAPTURE(scale);
                const FloatMatrix matrix = symmetric(size, scale, random);
                factor.assign(matrix);
                for (const Index count : {300, 1, 32, 47}) {
                    CAPTURE(count);
                    const FloatMatrix rows = random.gaussian(count, size).cast<float>();
                    FloatMatrix result;
                    factor.times_rows(rows, result);
                    REQUIRE(result.rows() == count);
                    REQUIRE(result.cols() == size);
                    CHECK(error_of(result, rows, matrix) <= 0x1p-15);
                }
            }
        }
    }
}

TEST_CASE("a product of symmetric matrices that commute is symmetric") {
    test::Random random(0x5f2);
    for (const auto unit : kUnits) {
        for (const Index size : {1, 40, 256, 530}) {
            CAPTURE(size);
            const FloatMatrix a = symmetric(size, 1.0, random);
            const Matrix wide = a.cast<double>();
            const FloatMatrix b = (wide * wide - 3.0 * wide).cast<float>();
            SymmetricFactor factor(unit);
            factor.assign(b);
            FloatMatrix result = FloatMatrix::Constant(3, 3, 7.0F);
            factor.times_commuting(a, result);
            REQUIRE(result.rows() == size);
            CHECK((result - result.transpose()).isZero(0.0F));
            CHECK(error_of(result, a, b) <= 0x1p-15);
        }
    }
}

TEST_CASE("both units take integers of eight bits as they are") {
    test::Random random(0x5f3);
    const Index size = 90;
    FloatMatrix a =
        (20.0 * symmetric(size, 1.0, random).cast<double>()).array().round().cast<float>();
    a = a.cwiseMax(-255.0F).cwiseMin(255.0F).eval();
    const Matrix exact = a.cast<double>() * a.cast<double>();
    for (const auto unit : kUnits) {
        SymmetricFactor factor(unit);
        factor.assign(a);
        FloatMatrix result;
        factor.times_commuting(a, result);
        CHECK((result.cast<double>() - exact).isZero(0.0));
    }
}
