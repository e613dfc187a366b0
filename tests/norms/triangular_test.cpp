// Products with triangles in blocks, and guesses at the top of a spectrum.
#include "norms/triangular.hpp"

#include <cmath>

#include "norms/deflation.hpp"
#include "norms/ritz_correction.hpp"
#include "norms/smaller_side.hpp"
#include "norms/symmetric_kernel.hpp"
#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

TEST_CASE("products of triangles are those of dense matrices and read nothing above the diagonal") {
    test::Random random(71);
    for (const Index size : {1, 2, 63, 64, 65, 130, 700}) {
        CAPTURE(size);
        const Matrix square = random.gaussian(size, size);
        Matrix lower = square;
        lower.triangularView<Eigen::StrictlyUpper>().setConstant(std::nan(""));
        const Matrix symmetric = square.selfadjointView<Eigen::Lower>();
        const Matrix factor = square.triangularView<Eigen::Lower>();
        const FourVectors x = random.gaussian(size, 4);
        const double scale = 1e-13 * square.squaredNorm();
        CHECK((symmetric_product(lower, x) - symmetric * x).norm() <= scale);
        CHECK((symmetric_product(lower, Vector(x.col(1))) - symmetric * x.col(1)).norm() <= scale);
        CHECK((gram_product(lower, x) - factor * (factor.transpose() * x)).norm() <= scale);
        const FloatMatrix rounded = lower.cast<float>();
        const Eigen::VectorXf y = x.col(2).cast<float>();
        const float coarse = 1e-5F * static_cast<float>(square.squaredNorm());
        CHECK((symmetric_product(rounded, y) - (symmetric * x.col(2)).cast<float>()).norm() <=
              coarse);
        CHECK((gram_product(rounded, y) - (factor * (factor.transpose() * x.col(2))).cast<float>())
                  .norm() <= coarse);
    }
}

TEST_CASE("every length of vectors that the processor has multiplies rows of a symmetric matrix") {
    using symmetric_kernel::kRows;
    test::Random random(72);
    const auto kernels = symmetric_kernel::kernels();
    CHECK(!kernels.empty());
    for (const Index size : {1, 7, 8, 9, 33, 130}) {
        FloatMatrix lower = random.gaussian(size, size).cast<float>();
        const Matrix symmetric = lower.cast<double>().selfadjointView<Eigen::Lower>();
        lower.triangularView<Eigen::StrictlyUpper>().setConstant(std::nanf(""));
        const Eigen::VectorXf x = random.gaussian_vector(size).cast<float>();
        const Vector expected = Vector::Ones(size) + symmetric * x.cast<double>();
        for (const auto& kernel : kernels) {
            Eigen::VectorXf y = Eigen::VectorXf::Ones(size);
            const Index middle = size / 2 / kRows * kRows;
            kernel({lower.data(), size, 0, middle}, x.data(), y.data());
            kernel({lower.data(), size, middle, size}, x.data(), y.data());
            CHECK((y.cast<double>() - expected).norm() <=
                  1e-6 * (1.0 + symmetric.norm() * x.cast<double>().norm()));
        }
    }
}

TEST_CASE("what is mirrored above the diagonal comes back") {
    test::Random random(72);
    for (const Index size : {1, 31, 32, 33, 100}) {
        CAPTURE(size);
        const Matrix before = random.gaussian(size, size);
        Matrix matrix = before;
        mirror_above(matrix);
        CHECK(matrix == Matrix(before.selfadjointView<Eigen::Lower>()));
        matrix.triangularView<Eigen::StrictlyLower>().setConstant(std::nan(""));
        mirror_below(matrix);
        CHECK(matrix == Matrix(before.selfadjointView<Eigen::Lower>()));
    }
}

TEST_CASE("the top of a crowded spectrum is found to a billionth") {
    test::Random random(73);
    for (const Index size : {130, 300, 500}) {
        CAPTURE(size);
        const Matrix w = random.gaussian(size, size);
        const Matrix gram = w.transpose() * w;
        const double top = test::eigenvalues(gram)(size - 1);
        Matrix lower = gram;
        lower.triangularView<Eigen::StrictlyUpper>().setConstant(std::nan(""));
        const Estimate found = sharp_top_eigenpair(lower);
        CHECK(found.eigenvalue <= top * (1.0 + 1e-12));
        CHECK(found.eigenvalue >= top * (1.0 - 1e-9));
    }
}

TEST_CASE("a glance tells a crowded spectrum from one with a gap") {
    test::Random random(74);
    for (const Index size : {768, 1000}) {
        CAPTURE(size);
        Matrix w = random.gaussian(size + 200, size);
        CHECK_FALSE(may_have_gap(SmallerSide(w, 0)));
        CHECK_FALSE(may_have_gap(SmallerSide(w.transpose(), 0)));
        const Vector left = random.gaussian(size + 200, 1).normalized();
        const Vector right = random.gaussian(size, 1).normalized();
        w += 6.0 * std::sqrt(static_cast<double>(size)) * left * right.transpose();
        CHECK(may_have_gap(SmallerSide(w, 0)));
    }
    CHECK(may_have_gap(SmallerSide(Matrix::Zero(80, 80), 0)));
    CHECK(may_have_gap(SmallerSide(Matrix::Identity(10, 12), 0)));
}
