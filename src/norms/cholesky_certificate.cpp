#include "norms/cholesky_certificate.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <utility>

#include "norms/blocked_cholesky.hpp"
#include "norms/error_terms.hpp"
#include "norms/freivalds.hpp"
#include "norms/scaling.hpp"
#include "norms/tiled_cholesky.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

/// The smallest entry of a Collatz vector whose largest is 1: any positive vector gives a bound,
/// and this keeps the quotients in range.
constexpr double kSmallestWeight = 0x1p-10;

/// gamma_{q+10} (half as much in float32, to nearest): what a term of a sum passes through, at most
/// two roundings for a quotient by a rounded reciprocal, the rest is margin [S2].
Upper factorisation_roundoff(Eigen::Index size, Precision precision) {
    constexpr std::size_t kMargin = 10;
    if (precision == Precision::float32) {
        // By loops of our own on threads that round to nearest: of 2^-23, half each.
        return gamma((tiled_cholesky_roundings(size) + kMargin + 1) / 2, precision);
    }
    return gamma(blas::cholesky_roundings(size) + kMargin, precision);
}

/// [S2] n (12 n + 12) (1 + max a_ii) eta: every entry of L L^T - A, operands up to sqrt(a_ii).
Upper factorisation_underflow(Eigen::Index size,
                              const Upper& largest_diagonal,
                              Precision precision) {
    const auto n = static_cast<std::size_t>(size);
    return Upper::of_count(n) * Upper::of_count(12 * n + 12) *
           (Upper::exact(1.0) + largest_diagonal) * underflow_unit(precision);
}

/// Collatz: a non-negative symmetric matrix M has |M|_2 <= max_j (M x)_j / x_j for every x > 0.
/// `ratio`: the largest quotient as computed, for M = |L| |L|^T: 2n roundings in M x, one in the
/// quotient.
Upper norm_from_ratio(double ratio, Eigen::Index size, Precision precision) {
    if (!std::isfinite(ratio)) {
        return Upper::infinity();
    }
    return true_sum(ratio, 2 * static_cast<std::size_t>(size) + 2, 0, precision).upper();
}

/// [S2] gamma | |L| |L|^T |_2 and the underflow; `norm` bounds the former but for what underflows
/// in M x: at most 64 n^2 units for operands up to 1 + max a_ii, divided by x_j.
Upper error_from_norm(Eigen::Index size,
                      const Upper& norm,
                      const Upper& largest_diagonal,
                      Precision precision) {
    const auto n = static_cast<std::size_t>(size);
    const Upper underflow = Upper::of_count(64 * n * n) * (Upper::exact(1.0) + largest_diagonal) *
                            underflow_unit(precision) / Lower::exact(kSmallestWeight);
    return factorisation_roundoff(size, precision) * (norm + underflow) +
           factorisation_underflow(size, largest_diagonal, precision);
}

}  // namespace

Upper cholesky_error_from_trace(Eigen::Index size,
                                const Upper& trace,
                                const Upper& largest_diagonal,
                                Precision precision) {
    // [S2] | |L| |L|^T |_2 <= |L|_F^2 <= tr(A)/(1 - g), the underflow aside.
    const Upper relative = factorisation_roundoff(size, precision);
    return relative * trace / (Lower::exact(1.0) - relative) +
           Upper::of_count(2) * factorisation_underflow(size, largest_diagonal, precision);
}

Upper trace_upper(const Vector& diagonal) {
    const auto n = static_cast<std::size_t>(diagonal.size());
    return true_sum(diagonal.sum(), n, 4 * n).upper();
}

Upper cholesky_error_from_factor(const Matrix& lower,
                                 const Vector& row_sums,
                                 const Upper& largest_diagonal) {
    const Eigen::Index n = lower.rows();
    if (!row_sums.allFinite()) {
        return Upper::infinity();
    }
    const Upper first = norm_from_ratio(row_sums.maxCoeff(), n, Precision::float64);
    const Vector x = (row_sums / row_sums.maxCoeff()).cwiseMax(kSmallestWeight);
    const double ratio = (absolute_gram_product(lower, x).array() / x.array()).maxCoeff();
    const Upper second = norm_from_ratio(ratio, n, Precision::float64);
    return error_from_norm(n, min(first, second), largest_diagonal, Precision::float64);
}

Upper cholesky_error_from_row_sums(const Eigen::VectorXf& row_sums, const Upper& largest_diagonal) {
    if (!row_sums.allFinite()) {
        return Upper::infinity();
    }
    const auto ratio = static_cast<double>(row_sums.maxCoeff());
    const Upper norm = norm_from_ratio(ratio, row_sums.size(), Precision::float32);
    return error_from_norm(row_sums.size(), norm, largest_diagonal, Precision::float32);
}

CholeskyFactor factorise(Matrix lower) {
    const Eigen::Index n = lower.rows();
    const Vector diagonal = lower.diagonal();
    const freivalds::Block witness = freivalds::factor_witness(lower);
    CholeskyFactor result;
    result.lower = std::move(lower);
    result.failed_pivot = blas::cholesky(result.lower);
    if (!result.succeeded()) {
        result.error = Upper::infinity();
        return result;
    }
    const Vector row_sums = absolute_gram_product(result.lower, Vector::Ones(n));
    freivalds::require_factor(witness, result.lower, row_sums);
    const Upper largest = Upper::exact(diagonal.maxCoeff());
    // All diagonal entries are positive, else the factorisation had failed.
    result.error = min(cholesky_error_from_trace(n, trace_upper(diagonal), largest),
                       cholesky_error_from_factor(result.lower, row_sums, largest));
    return result;
}

EigenvalueCertificate certify_level(Matrix gram, double level) {
    subtract_from_level(gram, level);
    const double largest = gram.diagonal().maxCoeff();
    EigenvalueCertificate result;
    result.factor = factorise(std::move(gram));
    if (result.factor.succeeded()) {
        // [S3] level I - G = A + (level I - G - A), the bracket diagonal and at most U max|a_ii|;
        // A = L L^T - (error) >= -error.
        result.largest_eigenvalue =
            Upper::exact(level) + diagonal_error(Upper::exact(largest)) + result.factor.error;
    } else {
        result.largest_eigenvalue = Upper::infinity();
    }
    return result;
}

Vector failing_direction(const CholeskyFactor& factor) {
    const Eigen::Index before = factor.failed_pivot - 1;
    Vector head = -factor.lower.row(before).head(before).transpose();
    solve_transposed_leading_block(factor.lower, head);
    Vector x = Vector::Zero(factor.lower.rows());
    x.head(before) = head;
    x(before) = 1.0;
    return x;
}

}  // namespace lipcert
