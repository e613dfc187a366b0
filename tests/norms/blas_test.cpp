#include "norms/blas.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/threads.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cblas.h>
#include <limits>

#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/cholesky_certificate.hpp"
#include "norms/freivalds.hpp"
#include "norms/gram.hpp"
#include "norms/thread_limit.hpp"
#include "norms/triangular.hpp"
#include "support/random.hpp"
#include "support/thread_count.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct WitnessedGram {
    Matrix lower;
    freivalds::GramWitness witness;
};

WitnessedGram witnessed(const Matrix& panel) {
    WitnessedGram result{Matrix::Constant(panel.cols(), panel.cols(), kNaN),
                         freivalds::GramWitness(panel.cols())};
    result.witness.add_panel(panel, false);
    blas::gram_of_panel(panel, false, blas::Into::overwrite, result.lower);
    return result;
}

}  // namespace

TEST_CASE("the BLAS of this machine passes its probes, more than once") {
    CHECK_NOTHROW(blas::require_trusted());
    CHECK_NOTHROW(blas::require_trusted());
}

TEST_CASE("short work keeps to one thread, long work does not, and the count is restored") {
    const test::ThreadCount two(2);
    {
        const ThreadLimit limit(1e6);
        CHECK(openblas_get_num_threads() == 1);
    }
    CHECK(openblas_get_num_threads() == 2);
    {
        const ThreadLimit limit(1e9);
        CHECK(openblas_get_num_threads() == 2);
    }
    Matrix identity = Matrix::Identity(4, 4);
    CHECK(blas::cholesky(identity) == 0);
    CHECK(openblas_get_num_threads() == 2);
}

TEST_CASE("long inner products pass through a panel and the number of panels, not their length") {
    CHECK(blas::accumulation_length(1) == 2);
    CHECK(blas::accumulation_length(1024) == 1025);
    CHECK(blas::accumulation_length(1025) == 1026);
    CHECK(blas::accumulation_length(128256) == 1024 + 126);
}

TEST_CASE("a product longer than one panel is the sum of all its panels") {
    test::Random random(11);
    const Matrix a = random.gaussian(5, 2600);
    const Matrix b = random.gaussian(2600, 4);
    const Matrix expected = a.lazyProduct(b);
    CHECK((blas::multiply(a, b) - expected).norm() <= 1e-10);
    CHECK(blas::multiply(Matrix(3, 0), Matrix(0, 2)) == Matrix::Zero(3, 2));
}

TEST_CASE("a Cholesky factorisation with a NaN or negative pivot counts as failed") {
    Matrix poisoned = Matrix::Identity(5, 5);
    poisoned(2, 2) = kNaN;
    CHECK(blas::cholesky(poisoned) != 0);
    Matrix indefinite = Matrix::Identity(5, 5);
    indefinite(3, 3) = -1.0;
    CHECK(blas::cholesky(indefinite) == 4);
    Matrix infinite = Matrix::Identity(5, 5);
    infinite(4, 4) = std::numeric_limits<double>::infinity();
    CHECK(blas::cholesky(infinite) == 5);
    Matrix zero = Matrix::Zero(3, 3);
    CHECK(blas::cholesky(zero) == 1);
}

TEST_CASE("the self-check passes a right Gram matrix and catches one wrong entry anywhere") {
    test::Random random(12);
    for (std::size_t trial = 0; trial < test::repetitions(20); ++trial) {
        const auto size = static_cast<Eigen::Index>(random.integer(2, 90));
        const Matrix panel =
            random.gaussian(static_cast<Eigen::Index>(random.integer(1, 300)), size);
        const WitnessedGram good = witnessed(panel);
        CHECK_NOTHROW(freivalds::require_gram(good.lower, good.witness));
        const auto row =
            static_cast<Eigen::Index>(random.integer(0, static_cast<std::size_t>(size) - 1));
        const auto col =
            static_cast<Eigen::Index>(random.integer(0, static_cast<std::size_t>(row)));
        for (const double fault : {1e-6, -1.0, kNaN}) {
            Matrix corrupted = good.lower;
            corrupted(row, col) += fault;
            CHECK_THROWS_AS(freivalds::require_gram(corrupted, good.witness), Error);
        }
        Matrix unwritten = good.lower;
        unwritten(row, col) = kNaN;
        CHECK_THROWS_AS(freivalds::require_gram(unwritten, good.witness), Error);
    }
}

TEST_CASE("the self-check's threshold is that of S1: twice as much is caught, half is rounding") {
    test::Random random(16);
    const Eigen::Index size = 60;
    const Eigen::Index inner = 200;
    const WitnessedGram good = witnessed(random.gaussian(inner, size));
    const std::size_t image = 60 + 200 + 1;
    const std::size_t roundings = 60 + blas::accumulation_length(inner) + image + 1;
    const Upper relative =
        lipcert::gamma(roundings + 1) / (Lower::exact(1.0) - lipcert::gamma(image));
    for (Eigen::Index i = 0; i < size; ++i) {
        CAPTURE(i);
        const double threshold = relative.to_double() * good.witness.magnitude(i);
        Matrix changed = good.lower;
        changed(i, i) += 2.0 * threshold;
        CHECK_THROWS_AS(freivalds::require_gram(changed, good.witness), Error);
        changed(i, i) = good.lower(i, i) + 0.5 * threshold;
        CHECK_NOTHROW(freivalds::require_gram(changed, good.witness));
    }
}

TEST_CASE("the self-check passes a right product and catches one wrong entry") {
    test::Random random(13);
    const Matrix a = random.gaussian(37, 210);
    const Matrix b = random.gaussian(210, 19);
    Matrix result = blas::multiply(a, b);
    CHECK_NOTHROW(freivalds::require_product(a, b, result));
    result(36, 18) += 1e-7;
    CHECK_THROWS_AS(freivalds::require_product(a, b, result), Error);
    result(36, 18) = kNaN;
    CHECK_THROWS_AS(freivalds::require_product(a, b, result), Error);
}

TEST_CASE("no pair of columns has equal or opposite entries in all of the self-check's vectors") {
    const Eigen::Index size = 3000;
    const freivalds::Block x = freivalds::signs(size);
    CHECK(x.cwiseAbs().maxCoeff() <= 1.0);
    CHECK(x.cwiseAbs().minCoeff() >= 0.5);
    double closest = 1.0;
    double least_opposite = 1.0;
    for (Eigen::Index i = 0; i < size; ++i) {
        for (Eigen::Index j = i + 1; j < size; ++j) {
            // The distance of their entries in the vector that tells them apart best.
            closest = std::min(closest, (x.row(i) - x.row(j)).cwiseAbs().maxCoeff());
            least_opposite = std::min(least_opposite, (x.row(i) + x.row(j)).cwiseAbs().maxCoeff());
        }
    }
    CHECK(closest >= 0.2 / static_cast<double>(size));
    CHECK(least_opposite >= 1.0);
}

TEST_CASE("the self-check catches faults of rank one on any two adjacent columns") {
    test::Random random(15);
    const Eigen::Index size = 200;
    const WitnessedGram good = witnessed(random.gaussian(30, size));
    const Matrix a = random.gaussian(4, 30);
    const Matrix b = random.gaussian(30, size);
    const Matrix right = blas::multiply(a, b);
    for (Eigen::Index i = 0; i + 1 < size; ++i) {
        CAPTURE(i);
        for (const double sign : {1.0, -1.0}) {
            Matrix wrong = good.lower;  // G - 5 (e_i - sign e_j)(e_i - sign e_j)^T, j = i + 1
            wrong(i, i) -= 5.0;
            wrong(i + 1, i + 1) -= 5.0;
            wrong(i + 1, i) += 5.0 * sign;
            CHECK_THROWS_AS(freivalds::require_gram(wrong, good.witness), Error);
        }
        Matrix swapped = right;
        swapped.col(i).swap(swapped.col(i + 1));
        CHECK_THROWS_AS(freivalds::require_product(a, b, swapped), Error);
    }
}

TEST_CASE("the self-check passes a right Cholesky factor and catches one wrong entry") {
    test::Random random(14);
    const Matrix panel = random.gaussian(200, 70);
    const WitnessedGram gram = witnessed(panel);
    const freivalds::Block witness = freivalds::factor_witness(gram.lower);
    CholeskyFactor factor = factorise(gram.lower);
    REQUIRE(factor.succeeded());
    const auto check = [&](const Matrix& lower) {
        freivalds::require_factor(
            witness, lower, absolute_gram_product(lower, Vector::Ones(lower.rows())));
    };
    CHECK_NOTHROW(check(factor.lower));
    Matrix corrupted = factor.lower;
    corrupted(50, 20) += 1e-6;
    CHECK_THROWS_AS(check(corrupted), Error);
    corrupted(50, 20) = kNaN;
    CHECK_THROWS_AS(check(corrupted), Error);
}

TEST_CASE("self-check errors are about the environment and say what to do") {
    WitnessedGram gram = witnessed(Matrix::Ones(4, 3));
    gram.lower(1, 0) = 7.0;
    try {
        freivalds::require_gram(gram.lower, gram.witness);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::environment);
        CHECK(std::string(error.what()).find("OPENBLAS_CORETYPE") != std::string::npos);
    }
}
