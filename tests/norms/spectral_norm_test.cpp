#include "lipcert/norms/spectral_norm.hpp"

#include <cmath>

#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

TEST_CASE("exact integer arithmetic confirms both ends for random small matrices") {
    test::Random random(1);
    for (std::size_t trial = 0; trial < test::repetitions(60); ++trial) {
        const auto rows = static_cast<Eigen::Index>(random.integer(2, 9));
        const auto cols = static_cast<Eigen::Index>(random.integer(2, 9));
        Matrix matrix = random.gaussian(rows, cols);
        if (trial % 3 == 1) {  // graded columns
            for (Eigen::Index j = 0; j < cols; ++j) {
                matrix.col(j) *= std::ldexp(1.0, static_cast<int>(random.integer(0, 60)) - 30);
            }
        }
        if (trial % 3 == 2) {  // nearly equal singular values
            matrix = 1e-9 * matrix + Matrix::Identity(rows, cols);
        }
        const SpectralNorm norm = spectral_norm(matrix);
        CHECK(test::exceeds_spectral_norm(norm.spectral.upper().value(), matrix));
        CHECK_FALSE(test::exceeds_spectral_norm(norm.spectral.lower().value(), matrix));
        CHECK(norm.spectral.relative_width().to_double() <= 1e-8);
    }
}

TEST_CASE("the enclosures of W, its transpose, a row permutation and a sign change intersect") {
    test::Random random(2);
    const Matrix matrix = random.gaussian(150, 90);
    Matrix changed = matrix.colwise().reverse();  // the last row first
    changed.col(4) *= -1.0;
    const Enclosure reference = spectral_norm(matrix).spectral;
    for (const Matrix& other : {Matrix(matrix.transpose()), changed, Matrix(-matrix)}) {
        const Enclosure enclosure = spectral_norm(other).spectral;
        CHECK(enclosure.lower().value().compare(reference.upper().value()) <= 0);
        CHECK(reference.lower().value().compare(enclosure.upper().value()) <= 0);
    }
}

TEST_CASE("deleting a row never raises the norm") {
    test::Random random(3);
    const Matrix matrix = random.gaussian(70, 70);
    const Enclosure whole = spectral_norm(matrix).spectral;
    const Enclosure part = spectral_norm(matrix.topRows(69)).spectral;
    CHECK(part.lower().value().compare(whole.upper().value()) <= 0);
}

TEST_CASE("inner dimensions beyond one panel are summed panel by panel") {
    const Matrix ones = Matrix::Ones(5000, 3);
    CHECK(test::encloses(spectral_norm(ones).spectral, test::known_root(15000.0)));
    test::Random random(4);
    const Matrix tall = random.gaussian(2500, 40);
    const SpectralNorm norm = spectral_norm(tall);
    CHECK(norm.spectral.relative_width().to_double() <= 1e-8);
    const Enclosure turned = spectral_norm(tall.transpose()).spectral;
    CHECK(norm.spectral.lower().value().compare(turned.upper().value()) <= 0);
    CHECK(turned.lower().value().compare(norm.spectral.upper().value()) <= 0);
}

TEST_CASE("the stable rank of an identity is its size, that of a rank-one matrix is one") {
    const Enclosure identity = stable_rank(spectral_norm(Matrix::Identity(50, 50)));
    CHECK(identity.lower().to_double() <= 50.0);
    CHECK(identity.lower().to_double() >= 50.0 * (1 - 1e-7));
    CHECK(identity.upper().to_double() >= 50.0);
    CHECK(identity.upper().to_double() <= 50.0 * (1 + 1e-7));
    const Enclosure one = stable_rank(spectral_norm(Matrix::Ones(20, 30)));
    CHECK(one.lower().to_double() <= 1.0);
    CHECK(one.lower().to_double() >= 1.0 - 1e-7);
    CHECK(one.upper().to_double() >= 1.0);
    CHECK(one.upper().to_double() <= 1.0 + 1e-7);
}

TEST_CASE("the stable rank of a norm that is only bounded above has no upper end") {
    SpectralNorm norm;
    norm.spectral = Enclosure(Lower(), Upper::exact(2.0));
    norm.frobenius = Enclosure(Lower::exact(1.0), Upper::exact(2.0));
    CHECK_FALSE(stable_rank(norm).upper().is_finite());
    CHECK(stable_rank(norm).lower() == Lower::exact(0.25));
}

TEST_CASE("a long row of equal numbers is enclosed narrowly although its sum is rounded") {
    const Eigen::Index length = 3000000;
    const Enclosure norm = spectral_norm(Matrix(Matrix::Constant(1, length, 0.1))).spectral;
    const mpq_class exact = mpq_class(0.1) * mpq_class(0.1) * 3000000;
    const Enclosure square(norm.lower() * norm.lower(), norm.upper() * norm.upper());
    CHECK(test::encloses(square, exact));
    CHECK(norm.relative_width().to_double() <= 1e-12);
}

TEST_CASE("a very tall matrix is enclosed as narrowly as a square one") {
    const Enclosure norm = spectral_norm(Matrix(Matrix::Constant(400000, 2, 0.5))).spectral;
    CHECK(test::encloses(norm, test::known_root(200000.0)));
    CHECK(norm.relative_width().to_double() <= 2e-9);
}

TEST_CASE("every method has a name") {
    CHECK(name_of(NormMethod::cholesky) == "cholesky");
    CHECK(name_of(spectral_norm(Matrix::Ones(1, 4)).method) == "dot-product");
    CHECK(name_of(spectral_norm(Matrix::Zero(2, 2)).method) == "zero");
}
