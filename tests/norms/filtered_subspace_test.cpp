// The eigenpairs above a level, against a full decomposition. Nothing rests on them, but a cap that
// misses one starts again at the price of all.
#include "norms/filtered_subspace.hpp"

#include <cmath>
#include <optional>

#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// A matrix whose Gram matrix has these eigenvalues, with random singular vectors.
Matrix with_gram_eigenvalues(const Vector& values, test::Random& random) {
    const Index n = values.size();
    const Matrix u = test::orthonormal_basis(random.gaussian(n + 10, n));
    const Matrix v = test::orthonormal_basis(random.gaussian(n, n));
    return u * values.cwiseSqrt().asDiagonal() * v.transpose();
}

std::optional<estimate::EigenpairsAbove> found_above(const Matrix& matrix,
                                                     double level,
                                                     double tolerance) {
    return estimate::eigenpairs_above(matrix, estimate::GramSpectrum(matrix, 0), level, tolerance);
}

/// Residuals may exceed the tolerance `slack` times.
void check_found(const Vector& values, double level, test::Random& random, double slack = 1.0) {
    CAPTURE(level);
    const Matrix matrix = with_gram_eigenvalues(values, random);
    for (const double tolerance : {1e-5, 1e-9}) {
        CAPTURE(tolerance);
        const auto found = found_above(matrix, level, tolerance);
        REQUIRE(found.has_value());
        const auto& pairs = found->pairs;
        CHECK(pairs.values.size() == (values.array() > level).count());
        CHECK(found->nearby >= pairs.values.size());
        for (Index i = 0; i < pairs.values.size(); ++i) {
            const Vector v = pairs.vectors.row(i);
            const Vector image = matrix.transpose() * (matrix * v);
            CHECK((image - pairs.values(i) * v).norm() <= 2.0 * slack * tolerance * level);
            CHECK(v.norm() == doctest::Approx(1.0).epsilon(1e-12));
        }
    }
}

}  // namespace

TEST_CASE("eigenpairs above a level are found whatever the spectrum is like") {
    test::Random random(0x71);
    const Index n = 300;
    Vector spikes = Vector::LinSpaced(n, 0.5, 0.0);
    spikes.head(3) << 1.0, 0.9, 0.8;
    check_found(spikes, 0.7, random);
    check_found(spikes, 0.85, random);
    Vector repeated = Vector::Constant(n, 0.1);
    repeated.head(9).setOnes();
    check_found(repeated, 0.5, random);
    // Nothing tells the last one above the level from the first one below it but its place.
    const Vector crowded = Vector::LinSpaced(n, 1.0, 0.0);
    check_found(crowded, 1.0 - 12.5 / 299.0, random);
    check_found(crowded * 1e-8, 1e-8 * (1.0 - 12.5 / 299.0), random);
    Vector rank_one = Vector::Zero(n);
    rank_one(0) = 1.0;
    // Below what float32 tells from rounding beside the top.
    Vector deep = Vector::LinSpaced(n, 1e-6, 0.0);
    deep.head(3) << 1.0, 0.5, 3e-4;
    check_found(deep, 1e-4, random);
    check_found(rank_one, 0.5, random);
    // A spectrum that ends at zero, which rounding puts below.
    Vector third = Vector::Zero(n);
    third.head(n / 3) = Vector::LinSpaced(n / 3, 1.0, 0.7);
    check_found(third, 0.5, random, 16.0);
    check_found(rank_one, 2.0, random);
}

TEST_CASE("vectors on a few coordinates are found as well") {
    // Outlier columns: products of two parts of bfloat16 are off by more of the top there.
    test::Random random(0x74);
    for (const Index columns : {4, 12, 20}) {
        for (const double factor : {3.0, 4.5, 6.0}) {
            CAPTURE(columns);
            CAPTURE(factor);
            Matrix matrix = random.gaussian(400, 400);
            matrix.leftCols(columns) *= factor;
            matrix /= matrix.cwiseAbs().maxCoeff();
            const Vector values = test::eigenvalues(matrix.transpose() * matrix).reverse();
            const double level = 0.5 * (values(columns - 1) + values(columns));
            const auto found = found_above(matrix, level, 0x1p-17);
            REQUIRE(found.has_value());
            CHECK(found->pairs.values.size() == columns);
        }
    }
}

TEST_CASE("many eigenvalues above a level are found on the side of its sign") {
    test::Random random(0x73);
    const Index n = 500;
    constexpr double kOfMany = 16.0;
    const Vector linear = Vector::LinSpaced(n, 1.0, 0.0);
    check_found(linear, 0.6 + 1e-3, random, kOfMany);
    Vector clusters = Vector::Constant(n, 0.2);
    clusters.head(150).setOnes();
    clusters.segment(150, 50).setConstant(0.6);
    check_found(clusters, 0.5, random, kOfMany);
    // Next to the level, beyond what the sign resolves.
    clusters.segment(150, 50).setConstant(0.5 * (1.0 + 1e-3));
    check_found(clusters, 0.5, random, kOfMany);
    check_found(1e-7 * linear, 1e-7 * (0.7 + 1e-3), random, kOfMany);
}

TEST_CASE("too many eigenvalues above a level are left to a full decomposition") {
    test::Random random(0x72);
    const Matrix crowded = with_gram_eigenvalues(Vector::LinSpaced(300, 1.0, 0.0), random);
    CHECK_FALSE(found_above(crowded, 0.3, 1e-9).has_value());
    CHECK_FALSE(found_above(Matrix::Identity(300, 300), 0.5, 1e-9).has_value());
}
