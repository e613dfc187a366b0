// The kernels of long work, which several threads share: everything else is below the size from
// which a call gets more than one (thread_limit.hpp).
#include "lipcert/norms/threads.hpp"

#include "lipcert/norms/spectral_norm.hpp"

#include <cblas.h>
#include <cmath>

#include "norms/blas.hpp"
#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/thread_limit.hpp"
#include "support/exact.hpp"
#include "support/thread_count.hpp"
#include <doctest/doctest.h>

using namespace lipcert;

namespace {

/// Whether work of so many multiply-adds gets two threads: this machine and its BLAS have them.
bool are_two(double multiply_adds) {
    const ThreadLimit limit(multiply_adds);
    return openblas_get_num_threads() == 2;
}

/// Integers between -15 and 15 without a pattern that panels or threads could share.
Matrix integers(Eigen::Index rows, Eigen::Index cols, long seed) {
    Matrix result(rows, cols);
    for (Eigen::Index i = 0; i < rows; ++i) {
        for (Eigen::Index j = 0; j < cols; ++j) {
            const long mixed =
                (static_cast<long>(i) * 7919 + seed) * (static_cast<long>(j) + 104729);
            result(i, j) = static_cast<double>(mixed % 10007 % 31 - 15);
        }
    }
    return result;
}

}  // namespace

TEST_CASE("two threads reproduce an exact Gram matrix and an exact product bit by bit") {
    const test::ThreadCount threads(2);
    CHECK(are_two(1024.0 * 768.0 * 768.0 / 2.0));
    const Matrix w = integers(1024, 768, 3);
    // Sums of integers below 2^53: any order gives the same double. Eigen's own loops, one thread.
    const Matrix exact = w.transpose() * w;
    Matrix gram = Matrix::Zero(768, 768);
    blas::gram_of_panel(w, false, blas::Into::overwrite, gram);
    const Matrix expected = exact.triangularView<Eigen::Lower>();
    const Matrix computed = gram.triangularView<Eigen::Lower>();
    const bool gram_is_exact = computed == expected;  // a matrix of 768 rows is no message
    CHECK(gram_is_exact);
    const bool product_is_exact = blas::multiply(w.transpose(), w) == exact;
    CHECK(product_is_exact);
}

TEST_CASE("two threads reproduce an exact Cholesky factor bit by bit") {
    // L_ij = a_i b_j, powers of two and signs: (L L^T)_ij = a_i a_j (b_1^2 + ... + b_j^2), j <= i.
    const test::ThreadCount threads(2);
    const Eigen::Index size = 2350;
    const double n = static_cast<double>(size);
    CHECK(are_two(n * n * n / 48.0));
    const Vector numbers = integers(size, 2, 5).rowwise().sum();
    Vector a(size);
    Vector b(size);
    for (Eigen::Index i = 0; i < size; ++i) {
        const double sign = std::abs(numbers(i)) > 7.0 ? -1.0 : 1.0;
        const int exponent = static_cast<int>(std::abs(numbers(i))) % 3;
        a(i) = sign * std::ldexp(1.0, exponent);
        b(i) = sign * std::ldexp(1.0, 2 - exponent);
    }
    Matrix lower(size, size);
    double sum = 0.0;
    for (Eigen::Index j = 0; j < size; ++j) {
        sum += b(j) * b(j);
        lower.row(j).tail(size - j).setZero();
        lower.col(j).tail(size - j) = sum * a(j) * a.tail(size - j);
    }
    REQUIRE(blas::cholesky(lower) == 0);
    Eigen::Index wrong = 0;
    for (Eigen::Index i = 0; i < size; ++i) {
        const Vector expected = a(i) * b.head(i + 1);
        wrong += lower.row(i).head(i + 1).transpose() == expected ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("two threads enclose a norm that is known to be an integer") {
    const test::ThreadCount threads(2);
    const Eigen::Index n = 1024;
    Matrix circulant(n, n);
    double row_sum = 0.0;
    for (Eigen::Index k = 0; k < n; ++k) {
        const auto entry = static_cast<double>(k * k % 11);
        row_sum += entry;
        for (Eigen::Index i = 0; i < n; ++i) {
            circulant(i, (i + k) % n) = entry;
        }
    }
    const Enclosure norm = spectral_norm(circulant).spectral;
    CHECK(test::encloses(norm, test::known_double(row_sum)));
    CHECK(norm.relative_width().to_double() <= 1e-8);
}
