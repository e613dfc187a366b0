#include "lipcert/norms/second_proof.hpp"

#include <cmath>
#include <vector>

#include "norms/residual_norm.hpp"
#include "norms/scaling.hpp"
#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

/// Neither end contradicts the other enclosure, so that both can be true.
bool agree(const Enclosure& a, const Enclosure& b) {
    return a.lower().value().compare(b.upper().value()) <= 0 &&
           b.lower().value().compare(a.upper().value()) <= 0;
}

}  // namespace

TEST_CASE(
    "a factor on trial encloses the norm, as exact integer arithmetic confirms at both ends "
    "[S10]") {
    test::Random random(71);
    for (std::size_t trial = 0; trial < test::repetitions(60); ++trial) {
        Matrix matrix = random.gaussian(static_cast<Eigen::Index>(random.integer(2, 9)),
                                        static_cast<Eigen::Index>(random.integer(2, 9)));
        if (trial % 3 == 1) {
            for (Eigen::Index j = 0; j < matrix.cols(); ++j) {
                matrix.col(j) *= std::ldexp(1.0, static_cast<int>(random.integer(0, 60)) - 30);
            }
        }
        if (trial % 3 == 2) {  // nearly equal singular values
            matrix = 1e-9 * matrix + Matrix::Identity(matrix.rows(), matrix.cols());
        }
        const Enclosure norm = residual_norm(matrix, *largest_exponent(matrix)).spectral;
        CHECK(test::exceeds_spectral_norm(norm.upper().value(), matrix));
        CHECK_FALSE(test::exceeds_spectral_norm(norm.lower().value(), matrix));
        CHECK(norm.relative_width().to_double() <= 1e-9);
    }
}

TEST_CASE("each norm is proved a second time by another method, as narrowly") {
    test::Random random(72);
    const std::vector<Matrix> matrices = {random.gaussian(40, 30),
                                          random.gaussian(30, 40),
                                          random.gaussian(150, 200),
                                          random.gaussian(1, 50),
                                          random.gaussian(50, 1),
                                          Matrix::Zero(4, 5),
                                          Matrix::Identity(150, 150),
                                          1e-300 * random.gaussian(9, 9),
                                          1e300 * random.gaussian(9, 9)};
    for (const Matrix& matrix : matrices) {
        const SpectralNorm first = spectral_norm(matrix);
        const SecondProof second = second_proof(matrix, first.method, std::nullopt);
        CAPTURE(name_of(first.method));
        CHECK_FALSE(second.is_helped);
        CHECK(agree(first.spectral, second.spectral));
        CHECK(agree(first.frobenius, second.frobenius));
        CHECK(second.spectral.relative_width().to_double() <= 2e-8);
    }
}

TEST_CASE("what is claimed to be made by any method is proved again, whatever that method was") {
    test::Random random(73);
    const Matrix matrix = random.gaussian(140, 150);
    for (const NormMethod made_by : {NormMethod::zero,
                                     NormMethod::dot_product,
                                     NormMethod::deflation,
                                     NormMethod::cholesky,
                                     NormMethod::elementary}) {
        const SecondProof norm = second_proof(matrix, made_by, std::nullopt);
        CHECK(agree(norm.spectral, spectral_norm(matrix).spectral));
        CHECK(norm_method_named(name_of(made_by)) == made_by);
    }
    CHECK_FALSE(norm_method_named("guess"));
    // A goal that the second argument alone misses by a hair brings in the first one.
    const SpectralNorm first = spectral_norm(matrix);
    const SecondProof second =
        second_proof(matrix, first.method, Lower::of(first.spectral.upper().value()));
    CHECK(second.spectral.upper() <= first.spectral.upper());
}
