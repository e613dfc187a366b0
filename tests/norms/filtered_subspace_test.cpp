// The eigenpairs above a level, against a full decomposition. Nothing rests on them, but a cap that
// misses one starts again at the price of all.
#include "norms/filtered_subspace.hpp"

#include <cmath>
#include <optional>

#include "support/random.hpp"
#include <Eigen/QR>
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// Q diag(values) Q^T for a random orthogonal Q; the lower triangle is all that is read.
Matrix with_eigenvalues(const Vector& values, test::Random& random) {
    const Eigen::HouseholderQR<Matrix> qr(random.gaussian(values.size(), values.size()));
    const Matrix q = qr.householderQ();
    return q * values.asDiagonal() * q.transpose();
}

void check_found(const Vector& values, double level, test::Random& random) {
    CAPTURE(level);
    const Matrix matrix = with_eigenvalues(values, random);
    constexpr double kTolerance = 1e-9;
    const auto found = estimate::eigenpairs_above(matrix, level, kTolerance);
    REQUIRE(found.has_value());
    CHECK(found->values.size() == (values.array() > level).count());
    for (Index i = 0; i < found->values.size(); ++i) {
        const Vector v = found->vectors.row(i);
        CHECK((matrix * v - found->values(i) * v).norm() <= 2.0 * kTolerance * level);
        CHECK(v.norm() == doctest::Approx(1.0).epsilon(1e-12));
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
    check_found(rank_one, 0.5, random);
    check_found(rank_one, 2.0, random);
}

TEST_CASE("too many eigenvalues above a level are left to a full decomposition") {
    test::Random random(0x72);
    const Matrix crowded = with_eigenvalues(Vector::LinSpaced(300, 1.0, 0.0), random);
    CHECK_FALSE(estimate::eigenpairs_above(crowded, 0.5, 1e-9).has_value());
    CHECK_FALSE(estimate::eigenpairs_above(Matrix::Identity(300, 300), 0.5, 1e-9).has_value());
}
