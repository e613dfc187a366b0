#include "norms/tiled_cholesky.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "norms/factor_kernel.hpp"
#include "norms/freivalds.hpp"
#include "norms/triangular.hpp"
#include "support/random.hpp"
#include "support/thread_count.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using factor_kernel::kSide;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Positive definite, rows of very different sizes, garbage above the diagonal.
FloatMatrix definite(test::Random& random, Index size, double spread) {
    const Matrix root = random.gaussian(size, size + 3);
    Matrix a = root * root.transpose();
    a.diagonal().array() += 0.1 * static_cast<double>(size);
    for (Index i = 0; i < size; ++i) {
        const double grade = std::exp2(spread * std::sin(static_cast<double>(7 * i)));
        a.row(i) *= grade;
        a.col(i) *= grade;
    }
    a.triangularView<Eigen::StrictlyUpper>().setConstant(std::numeric_limits<double>::quiet_NaN());
    return a.cast<float>();
}

Matrix lower_of(const FloatMatrix& matrix) {
    return matrix.cast<double>().triangularView<Eigen::Lower>();
}

/// The largest |A - L L^T| in units of |L| |L|^T, entry by entry; products of floats are exact.
double backward_error(const FloatMatrix& a, const FloatMatrix& factor) {
    const Matrix l = lower_of(factor);
    const Matrix difference =
        lower_of(a) - Matrix((l * l.transpose()).triangularView<Eigen::Lower>());
    const Matrix scale = l.cwiseAbs() * l.cwiseAbs().transpose();
    return (difference.array().abs() / scale.array()).maxCoeff();
}

double allowed(Index size) {
    return gamma((tiled_cholesky_roundings(size) + 11) / 2, Precision::float32).to_double();
}

struct alignas(gram_kernel::kAlignment) Tile {
    float entries[kSide * kSide];
};

}  // namespace

TEST_CASE("a factor in tiles is that of a matrix nearby, entry by entry, and stays below [S2]") {
    test::Random random(0x7c1);
    for (const double spread : {0.0, 10.0}) {
        for (const Index size : {1, 2, 5, 47, 48, 49, 95, 96, 97, 144, 200, 400, 521}) {
            CAPTURE(size);
            CAPTURE(spread);
            const FloatMatrix a = definite(random, size, spread);
            FloatMatrix factor = a;
            REQUIRE(cholesky(factor) == 0);
            const double error = backward_error(a, factor);
            CHECK(error <= allowed(size));
            CHECK((size < 5 || error >= 0x1p-27));
            CHECK(factor.triangularView<Eigen::StrictlyUpper>()
                      .toDenseMatrix()
                      .array()
                      .isNaN()
                      .count() == size * (size - 1) / 2);
        }
    }
}

TEST_CASE("a factor in tiles of integers is exact, on one thread as on two") {
    // L_ij = a_i b_j, signs and powers of two: (L L^T)_ij = a_i a_j (b_1^2 + ... + b_j^2), j <= i.
    test::Random random(0x7c2);
    for (const Index size : {50, 333, 700}) {
        Vector a(size);
        Vector b(size);
        for (Index i = 0; i < size; ++i) {
            const double sign = random.integer(0, 1) == 0 ? -1.0 : 1.0;
            a(i) = sign * std::ldexp(1.0, static_cast<int>(random.integer(0, 2)));
            b(i) = sign * std::ldexp(1.0, static_cast<int>(random.integer(0, 3)));
        }
        const Matrix expected =
            Matrix(a * b.transpose()).triangularView<Eigen::Lower>().toDenseMatrix();
        const FloatMatrix product = Matrix(expected * expected.transpose()).cast<float>();
        for (const int count : {1, 2}) {
            CAPTURE(size);
            CAPTURE(count);
            const test::ThreadCount threads(count);
            FloatMatrix factor = product;
            REQUIRE(cholesky(factor) == 0);
            CHECK((lower_of(factor) - expected).isZero(0.0));
        }
    }
}

TEST_CASE("a factor in tiles is the same to the last bit on any number of threads") {
    test::Random random(0x7c3);
    for (std::size_t trial = 0; trial < test::repetitions(10); ++trial) {
        const FloatMatrix a = definite(random, static_cast<Index>(random.integer(300, 700)), 2.0);
        FloatMatrix one = a;
        FloatMatrix two = a;
        {
            const test::ThreadCount threads(1);
            REQUIRE(cholesky(one) == 0);
        }
        {
            const test::ThreadCount threads(2);
            REQUIRE(cholesky(two) == 0);
        }
        CHECK((lower_of(one) - lower_of(two)).isZero(0.0));
    }
}

TEST_CASE("a factor in tiles breaks off at the pivot that is not positive") {
    test::Random random(0x7c4);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const int count : {1, 2}) {
        const test::ThreadCount threads(count);
        for (const Index size : {1, 30, 48, 49, 150, 430}) {
            const FloatMatrix a = definite(random, size, 1.0);
            for (const Index bad : {Index(0), size / 3, size / 2, size - 1}) {
                for (const float pivot : {-1.0F, 0.0F, -0.0F, kNaN, kInfinity, -kInfinity}) {
                    CAPTURE(size);
                    CAPTURE(bad);
                    CAPTURE(pivot);
                    FloatMatrix broken = a;
                    broken(bad, bad) = pivot;
                    CHECK(cholesky(broken) == bad + 1);
                }
            }
        }
    }
    FloatMatrix poisoned = definite(random, 200, 0.0);
    poisoned(150, 20) = kNaN;
    CHECK(cholesky(poisoned) == 151);
}

TEST_CASE("the smallest numbers have a factor or none, but no wrong one") {
    for (const double scale : {0x1p-148, 0x1p-126, 0x1p-60, 0x1p120}) {
        test::Random random(0x7c5);
        const Matrix root = random.gaussian(120, 130);
        const FloatMatrix a = (scale * (root * root.transpose()) / 4096.0).cast<float>();
        FloatMatrix factor = a;
        if (cholesky(factor) != 0) {
            CHECK(scale < 0x1p-100);
            continue;
        }
        const Matrix l = lower_of(factor);
        const Matrix exact = a.cast<double>().selfadjointView<Eigen::Lower>();
        const double distance = (exact - l * l.transpose()).norm();
        CHECK(distance <= allowed(120) * l.squaredNorm() + 120.0 * 1452.0 * 0x1p-149);
    }
}

TEST_CASE("every length of vectors that the processor has factors and solves a tile") {
    test::Random random(0x7c6);
    const auto variants = factor_kernel::kernels();
    CHECK(!variants.empty());
    for (const auto& kernels : variants) {
        const FloatMatrix a = definite(random, kSide, 3.0);
        const FloatMatrix b = random.gaussian(kSide, kSide + 5).cast<float>();
        const auto factor = std::make_unique<Tile>();
        const auto tile = std::make_unique<Tile>();
        float reciprocals[kSide];
        kernels.read(a.data(), a.outerStride(), factor->entries);
        REQUIRE(kernels.factorise(factor->entries, reciprocals) == 0);
        kernels.read(b.data(), b.outerStride(), tile->entries);
        CHECK(tile->entries[3 * kSide + 7] == b(7, 3));
        kernels.solve(factor->entries, reciprocals, tile->entries);
        FloatMatrix computed = FloatMatrix::Constant(kSide, kSide, kNaN);
        kernels.write(factor->entries, kSide, computed.data());
        CHECK(backward_error(a, computed) <= allowed(kSide));
        FloatMatrix x = FloatMatrix::Constant(kSide, kSide + 2, kNaN);
        kernels.write(tile->entries, x.outerStride(), x.data());
        CHECK(x.array().isNaN().count() == 2 * kSide);
        const Matrix l = lower_of(computed);
        const Matrix solution = x.leftCols(kSide).cast<double>();
        const Matrix difference = solution * l.transpose() - b.leftCols(kSide).cast<double>();
        const Matrix scale = solution.cwiseAbs() * l.cwiseAbs().transpose();
        CHECK((difference.array().abs() / scale.array()).maxCoeff() <= allowed(kSide));
        CHECK(difference.norm() > 0.0);
    }
}

TEST_CASE("no level rests on a float32 factor that is wrong") {
    test::Random random(0x7c7);
    const FloatMatrix a = definite(random, 150, 0.0);
    FloatMatrix factor = a;
    REQUIRE(cholesky(factor) == 0);
    const Eigen::VectorXf x = freivalds::signs(150).col(0).cast<float>();
    const Eigen::VectorXf image = symmetric_product(a, x);
    const auto check = [&](const FloatMatrix& lower) {
        const Eigen::VectorXf row_sums = absolute_gram_product(lower, Eigen::VectorXf::Ones(150));
        freivalds::require_factor(image, x, lower, row_sums);
    };
    CHECK_NOTHROW(check(factor));
    for (const float wrong : {1000.0F * factor(149, 140), a(149, 140), kNaN}) {
        FloatMatrix changed = factor;
        changed(149, 140) = wrong;
        const Error error = test::error_of([&] { check(changed); });
        CHECK(error.kind() == ErrorKind::environment);
        CHECK(test::says(error, "a Cholesky factor in float32"));
    }
}

TEST_CASE("roundings of a factor in tiles: all columns before a tile at once, then the tile") {
    CHECK(tiled_cholesky_roundings(1) == 1);
    CHECK(tiled_cholesky_roundings(48) == 48);
    CHECK(tiled_cholesky_roundings(64) == 64);
    CHECK(tiled_cholesky_roundings(768) == 64 + 12 + 1);
    CHECK(tiled_cholesky_roundings(4096) == 64 + 64 + 1);
}
