#include "lipcert/norms/second_proof.hpp"

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "norms/residual_norm.hpp"
#include "norms/scaling.hpp"
#include "support/decompositions.hpp"
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

TEST_CASE("the distance of any L from a square root is bounded, and not far above [S10]") {
    // Small integers: level I - G - L L^T is exact, and its norm is known by exact arithmetic.
    test::Random random(74);
    for (std::size_t trial = 0; trial < test::repetitions(60); ++trial) {
        const auto size = static_cast<Eigen::Index>(random.integer(2, 7));
        const bool is_flat = trial % 3 == 0;  // zero on the diagonal, ones beside it
        Matrix lower = Matrix::Zero(size, size);
        Matrix factor = Matrix::Zero(size, size);
        for (Eigen::Index i = 0; i < size; ++i) {
            for (Eigen::Index j = 0; j <= i; ++j) {
                lower(i, j) = is_flat ? (i == j ? 0.0 : 1.0)
                                      : static_cast<double>(random.integer(0, 40)) - 20.0;
                factor(i, j) = is_flat ? 0.0 : static_cast<double>(random.integer(0, 8)) - 4.0;
            }
        }
        const double level = is_flat ? 0.0 : static_cast<double>(random.integer(0, 30));
        const Matrix whole = lower.selfadjointView<Eigen::Lower>();
        const Matrix distance =
            level * Matrix::Identity(size, size) - whole - factor * factor.transpose();
        // What stands above the diagonal is nobody's business.
        factor.triangularView<Eigen::StrictlyUpper>().setConstant(1e9);
        const Upper bound = distance_from_square(lower, level, factor);
        CAPTURE(size);
        CHECK(test::exceeds_spectral_norm(bound.value(), distance));
        // The diagonal counts twice too.
        CHECK(bound.to_double() <= std::sqrt(2.0) * distance.norm() * (1.0 + 1e-9) + 1e-9);
    }
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK_FALSE(distance_from_square(Matrix::Identity(3, 3), 1.0, Matrix::Constant(3, 3, infinity))
                    .is_finite());
    CHECK_FALSE(
        distance_from_square(Matrix::Identity(3, 3), 1.0, Matrix(1e200 * Matrix::Identity(3, 3)))
            .is_finite());
}

TEST_CASE("a second proof is as narrow where many singular values lie at the top") {
    test::Random random(75);
    for (const auto& [rows, cols, part] :
         {std::tuple(170, 130, 0.7), std::tuple(296, 256, 0.5), std::tuple(150, 200, 0.7)}) {
        const Matrix gaussian = random.gaussian(rows, cols);
        const test::SingularValues svd = test::singular_values(gaussian);
        const Vector values = svd.values.cwiseMin(part * svd.values(0));
        const Matrix product = svd.u * values.asDiagonal() * svd.v.transpose();
        const Matrix capped = product.cast<float>().cast<double>();
        const SpectralNorm first = spectral_norm(capped);
        const SecondProof second = second_proof(capped, first.method, std::nullopt);
        CAPTURE(capped.rows());
        CHECK(first.method == NormMethod::cholesky);
        CHECK_FALSE(second.is_helped);
        CHECK(second.spectral.relative_width().to_double() <= 3e-9);
        CHECK(agree(first.spectral, second.spectral));
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
