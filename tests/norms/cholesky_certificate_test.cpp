#include "norms/cholesky_certificate.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <cmath>

#include "norms/blocked_cholesky.hpp"
#include "norms/certified_ends.hpp"
#include "norms/gram.hpp"
#include "norms/level_search.hpp"
#include "norms/tiled_cholesky.hpp"
#include "norms/triangular.hpp"
#include "support/decompositions.hpp"
#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

/// |A - L L^T|_F in long double, whose rounding is 2^-11 of what is measured.
double residual_norm(const Matrix& a, const Matrix& factor) {
    using Long = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
    const Long lower = Matrix(factor.triangularView<Eigen::Lower>()).cast<long double>();
    const Long difference = a.cast<long double>() - lower * lower.transpose();
    return static_cast<double>(difference.norm());
}

Matrix random_symmetric(test::Random& random, Eigen::Index size) {
    const Matrix half = random.gaussian(size, size);
    return half + half.transpose();
}

/// The lowest double (to a few units) whose level factorises: the certificate's hardest case.
double lowest_successful_level(const Matrix& symmetric, double start) {
    double low = start * (1.0 - 1e-12);
    double high = start * (1.0 + 1e-9);
    for (int step = 0; step < 60; ++step) {
        const double middle = low + (high - low) / 2.0;
        (certify_level(symmetric, middle).factor.succeeded() ? high : low) = middle;
    }
    return high;
}

}  // namespace

TEST_CASE("the error bounds of a Cholesky factor hold and are not absurdly large") {
    test::Random random(21);
    for (std::size_t trial = 0; trial < test::repetitions(20); ++trial) {
        const auto size = static_cast<Eigen::Index>(random.integer(1, 60));
        const Matrix half = random.gaussian(size, size + 3);
        const Matrix a = half * half.transpose();
        const CholeskyFactor factor = factorise(a);
        REQUIRE(factor.succeeded());
        CHECK(residual_norm(a, factor.lower) <= factor.error.to_double());
        CHECK(factor.error.to_double() <=
              1.01 * static_cast<double>(size + 10) * 0x1p-52 * a.trace());
    }
}

TEST_CASE("the a priori error is gamma_{q+10} tr(A), q the size, or a block and their number") {
    const auto roundings = [](Eigen::Index size) {
        const Eigen::Index block = size <= 384 ? size : size <= 1536 ? 192 : 256;
        return static_cast<std::size_t>(block == size ? size : block + (size + block - 1) / block);
    };
    for (const Eigen::Index size : {1, 10, 384, 385, 1000, 1536, 1537, 100000}) {
        CAPTURE(size);
        CHECK(blas::cholesky_roundings(size) == roundings(size));
        const Upper bound = cholesky_error_from_trace(size, Upper::exact(3.0), Upper::exact(2.0));
        CHECK(bound >= gamma(roundings(size) + 10) * Upper::exact(3.0));
        CHECK(bound <= gamma(roundings(size) + 10) * Upper::exact(3.1));
    }
    CHECK(blas::cholesky_roundings(7, 3) == 6);
    CHECK(blas::cholesky_roundings(4, 3) == 4);
}

TEST_CASE("a factor in blocks is as near as its error says, where every rounding goes one way") {
    // Positive entries: nothing cancels, and in float32 the sums of a thousand rows lose much.
    test::Random random(23);
    for (const Eigen::Index n : {400, 700}) {
        CAPTURE(n);
        const Matrix root = random.gaussian(n, n).cwiseAbs().triangularView<Eigen::Lower>();
        const FloatMatrix a =
            (root * root.transpose() / static_cast<double>(n) + Matrix(Matrix::Identity(n, n)))
                .cast<float>();
        FloatMatrix lower = a;
        REQUIRE(cholesky(lower) == 0);
        const Matrix factor = lower.cast<double>().triangularView<Eigen::Lower>();
        const Matrix exact = a.cast<double>().selfadjointView<Eigen::Lower>();
        const Matrix difference = exact - factor * factor.transpose();
        const double distance = test::eigenvalues(difference).cwiseAbs().maxCoeff();
        const Upper largest = Upper::exact(static_cast<double>(a.diagonal().maxCoeff()));
        const double bound = cholesky_error_from_row_sums(
                                 absolute_gram_product(lower, Eigen::VectorXf::Ones(n)), largest)
                                 .to_double();
        CHECK(distance <= bound);
        CHECK(bound <= 5000.0 * distance);
        CHECK(bound <= static_cast<double>(46) * 0x1p-23 * factor.squaredNorm());
    }
}

TEST_CASE("the underflow of a factorisation is bounded even where its rounding vanishes") {
    const Upper bound = cholesky_error_from_trace(4, Upper(), Upper::exact(8.0));
    CHECK(bound >= Upper::of_count(std::size_t{4} * 20 * 9) * underflow_unit());
    CHECK(bound <= Upper::power_of_two(-1000));
}

TEST_CASE("the a posteriori error is at least gamma_{n+10} times the norm of |L| |L|^T") {
    // L = I: |L| |L|^T = I; L of ones: its largest singular value is known.
    const Eigen::Index n = 50;
    const Matrix identity = Matrix::Identity(n, n);
    const Upper unit = gamma(static_cast<std::size_t>(n) + 10);
    const auto error = [](const Matrix& lower, const Upper& largest) {
        const Vector row_sums = absolute_gram_product(lower, Vector::Ones(lower.rows()));
        return cholesky_error_from_factor(lower, row_sums, largest);
    };
    CHECK(error(identity, Upper::exact(1.0)) >= unit);
    CHECK(error(identity, Upper::exact(1.0)) <= unit * Upper::exact(1.001));
    const Matrix ones = Matrix::Ones(n, n).triangularView<Eigen::Lower>();
    const double sigma = 1.0 / (2.0 * std::sin(M_PI / (4.0 * static_cast<double>(n) + 2.0)));
    const Upper bound = error(-ones, Upper::of_count(50));
    CHECK(bound.to_double() >= unit.to_double() * sigma * sigma * 0.999);
    CHECK(bound.to_double() <= unit.to_double() * sigma * sigma * 1.5);
}

TEST_CASE("a level that factorises bounds the spectrum only together with its error terms") {
    // At the lowest level that factorises, rounding decides: levels below the largest eigenvalue
    // succeed too, and only the error terms make the claim true.
    test::Random random(22);
    std::size_t below_spectrum = 0;
    for (std::size_t trial = 0; trial < test::repetitions(400); ++trial) {
        const auto size = static_cast<Eigen::Index>(random.integer(3, 14));
        const Matrix symmetric =
            trial % 2 == 0
                ? random_symmetric(random, size)
                : Matrix(Matrix::Identity(size, size) + 1e-9 * random_symmetric(random, size));
        const double top = dense_top_eigenpair(symmetric).eigenvalue;
        if (top <= 0.0) {
            continue;
        }
        const double level = lowest_successful_level(symmetric, top);
        const EigenvalueCertificate certificate = certify_level(symmetric, level);
        REQUIRE(certificate.factor.succeeded());
        CHECK(test::lies_above_spectrum(certificate.largest_eigenvalue.value(), symmetric));
        below_spectrum += test::lies_above_spectrum(BigFloat(level), symmetric) ? 0U : 1U;
    }
    CHECK(below_spectrum > 0);
}

TEST_CASE("the claim is the level, the rounding of the shifted diagonal and the factor's error") {
    test::Random random(26);
    const Matrix symmetric = random_symmetric(random, 6) + 40.0 * Matrix::Identity(6, 6);
    const double level = 200.0;
    const EigenvalueCertificate certificate = certify_level(symmetric, level);
    const double shifted = level - symmetric.diagonal().minCoeff();
    const Upper terms = unit_roundoff() * Upper::exact(shifted) + certificate.factor.error;
    CHECK(certificate.largest_eigenvalue >= Upper::exact(level) + terms);
    CHECK(certificate.largest_eigenvalue <= Upper::exact(level) + Upper::exact(1.01) * terms);
}

TEST_CASE("the upper end adds the error of the Gram matrix and takes the least of three bounds") {
    Gram gram;
    gram.error = Upper::exact(1.0);
    gram.sum_of_squares = {Lower::exact(25.0), Upper::exact(25.0)};
    gram.largest_absolute_row_sum = Upper::exact(16.0);
    CHECK(upper_end(Upper::exact(8.0), gram) == Upper::exact(3.0));
    CHECK(upper_end(Upper::infinity(), gram) == Upper::exact(4.0));
    gram.largest_absolute_row_sum = Upper::exact(36.0);
    CHECK(upper_end(Upper::infinity(), gram) == Upper::exact(5.0));
    // Of a matrix from which W' differs [S12].
    gram.rest = Upper::exact(0.5);
    CHECK(upper_end(Upper::exact(8.0), gram) == Upper::exact(3.5));
    CHECK(upper_end(Upper::infinity(), gram) == Upper::exact(5.0));
}

TEST_CASE("the lower end subtracts the error of the image and divides by a length rounded up") {
    // 2 x 256, so that the image's error is larger than that of the two lengths: |W| = sqrt(128).
    const Matrix turned = Matrix::Constant(256, 2, 0.5);
    const TallPanels panels = TallPanels::of_rows(turned, 0);
    const Upper frobenius = sqrt(Upper::exact(128.0));
    const Lower bound = lower_end(panels, Vector::Constant(256, 0x1p-4), frobenius);
    const Lower expected = sqrt(Lower::exact(128.0)) - lipcert::gamma(258) * frobenius;
    CHECK(bound <= expected);
    CHECK(bound >= Lower::exact(std::sqrt(128.0) * (1.0 - 1e-12)));
    // A vector of length 2 must not double the bound; one of length 10^-3 or 10^3 is not taken.
    CHECK(lower_end(panels, Vector::Constant(256, 0x1p-3), frobenius) <= expected);
    CHECK(lower_end(panels, Vector::Constant(256, 1e-3), frobenius).is_zero());
    CHECK(lower_end(panels, Vector::Constant(256, 1e3), frobenius).is_zero());
    CHECK(lower_end(panels, Vector::Constant(256, std::nan("")), frobenius).is_zero());
}

TEST_CASE("a failed factorisation yields a vector whose Rayleigh quotient reaches the level") {
    test::Random random(23);
    for (std::size_t trial = 0; trial < test::repetitions(20); ++trial) {
        const auto size = static_cast<Eigen::Index>(random.integer(2, 120));
        const Matrix half = random.gaussian(size, size);
        const Matrix gram = half.transpose() * half;
        const double level = random.uniform(0.05, 0.95) * dense_top_eigenpair(gram).eigenvalue;
        const EigenvalueCertificate certificate = certify_level(gram, level);
        REQUIRE_FALSE(certificate.factor.succeeded());
        CHECK_FALSE(certificate.largest_eigenvalue.is_finite());
        const Estimate found = rayleigh_quotient(gram, failing_direction(certificate.factor));
        CHECK(found.eigenvalue >= level * (1.0 - 1e-10));
    }
}

TEST_CASE("a start orthogonal to the top eigenvector costs attempts, not the bound") {
    test::Random random(24);
    const Eigen::Index half = 50;
    const Matrix block = random.gaussian(half, half);
    const Matrix gram = block.transpose() * block;
    for (const int shift : {0, 1, 20, 60}) {
        Matrix both = Matrix::Zero(2 * half, 2 * half);
        both.topLeftCorner(half, half) = gram;
        both.bottomRightCorner(half, half) = std::ldexp(1.0, -shift) * gram;
        const double top = dense_top_eigenpair(gram).eigenvalue;
        Vector start = Vector::Zero(2 * half);  // an eigenvector of the lower block
        start.tail(half) = dense_top_eigenpair(gram).vector;
        const TopEigenvalue found = search_level(both, rayleigh_quotient(both, start));
        CHECK(found.upper.to_double() >= top * (1.0 - 1e-13));
        CHECK(found.upper.to_double() <= top * (1.0 + 1e-8));
        CHECK(found.estimate.eigenvalue >= top * (1.0 - 1e-8));
        // The vector at which the first factor breaks off leads to the top at once.
        CHECK(found.factorisations <= 3);
    }
}

TEST_CASE("the second difference beside a weaker one, from a start in the weaker, is found") {
    const Eigen::Index half = 50;
    Matrix both = Matrix::Zero(2 * half, 2 * half);
    for (Eigen::Index i = 0; i < half; ++i) {
        both(i, i) = 2.0;
        both(half + i, half + i) = 1.0;
        if (i > 0) {
            both(i, i - 1) = -1.0;
            both(half + i, half + i - 1) = -0.5;
        }
    }
    Vector start = Vector::Zero(2 * half);  // the top eigenvector of the lower block
    for (Eigen::Index i = 0; i < half; ++i) {
        start(half + i) = std::sin(M_PI * 50.0 * static_cast<double>(i + 1) / 51.0);
    }
    const double top = 2.0 + 2.0 * std::cos(M_PI / 51.0);
    const TopEigenvalue found = search_level(both, rayleigh_quotient(both, start));
    CHECK(found.upper.to_double() >= top * (1.0 - 1e-14));
    CHECK(found.upper.to_double() <= top * (1.0 + 1e-8));
    CHECK(found.factorisations <= 3);
}

TEST_CASE("a start at zero still ends in a narrow bound") {
    Matrix gram = Matrix::Zero(80, 80);
    gram(70, 70) = 5.0;
    gram(71, 71) = 5.0;
    const TopEigenvalue found = search_level(gram, rayleigh_quotient(gram, Vector::Unit(80, 0)));
    CHECK(found.upper.to_double() >= 5.0);
    CHECK(found.upper.to_double() <= 5.0 * (1.0 + 1e-8));
}

TEST_CASE("the Gram error grows with the panel length, the norm and the size") {
    const Upper norm = Upper::exact(7.0);
    CHECK(gram_error(1000, 10, norm) >= Upper::of_count(1001) * unit_roundoff() * norm);
    CHECK(gram_error(100000, 10, norm) >= Upper::of_count(4096 + 25) * unit_roundoff() * norm);
    CHECK(gram_error(100000, 10, norm) <= Upper::of_count(4096 + 26) * unit_roundoff() * norm);
    CHECK(gram_error(1000, 10, Upper()) >= Upper::of_count(100000) * underflow_unit());
}

TEST_CASE("the Gram error bounds the error of the computed Gram matrix") {
    test::Random random(25);
    for (std::size_t trial = 0; trial < test::repetitions(10); ++trial) {
        const auto rows = static_cast<Eigen::Index>(random.integer(1, 3000));
        const auto cols = static_cast<Eigen::Index>(random.integer(1, 12));
        const Matrix matrix = random.gaussian(rows, cols) / 8.0;
        const Gram gram = form_gram(TallPanels::of_rows(matrix.transpose(), 0));
        using Long = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
        const Long exact = matrix.cast<long double>().transpose() * matrix.cast<long double>();
        const Matrix full = gram.lower.selfadjointView<Eigen::Lower>();
        const Long error = full.cast<long double>() - exact;
        CHECK(static_cast<double>(error.norm()) <= gram.error.to_double());
        CHECK(static_cast<double>(exact.trace()) <= gram.sum_of_squares.upper().to_double());
        CHECK(static_cast<double>(exact.trace()) >= gram.sum_of_squares.lower().to_double());
        CHECK(gram.largest_absolute_row_sum.to_double() >=
              static_cast<double>(exact.norm()) / std::sqrt(static_cast<double>(cols)));
    }
}
