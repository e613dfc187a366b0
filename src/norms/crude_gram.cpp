#include "norms/crude_gram.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <string>

#include "norms/blas.hpp"
#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/cholesky_certificate.hpp"
#include "norms/freivalds.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

/// Roundings that a term of W'^T W' passes through: two conversions, then as in [S1].
std::size_t crude_roundings(Eigen::Index inner) {
    return blas::accumulation_length(inner) + 2;
}

/// [S7] 16 k 2^-126 an entry.
Upper crude_underflow(Eigen::Index inner, Eigen::Index size) {
    return Upper::of_count(16) * Upper::of_count(static_cast<std::size_t>(inner)) *
           Upper::of_count(static_cast<std::size_t>(size)) * underflow_unit(Precision::float32);
}

/// |W'|_F^2 from the stored numbers: the panel's sum, scaled by a power of two.
Enclosure squares_of(const MatrixView& panel, int exponent) {
    Vector of_rows(panel.rows());
    for_each_row_range(panel.rows(), panel.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        of_rows.segment(begin, end - begin) =
            panel.middleRows(begin, end - begin).rowwise().squaredNorm();
    });
    const double computed = std::ldexp(of_rows.sum(), -2 * exponent);
    const auto terms = static_cast<std::size_t>(panel.rows() + panel.cols() + 1);
    const Enclosure sum = true_sum(computed, terms, 0);
    return {sum.lower() - Upper::exact(SmallerSide::kUnderflow),
            sum.upper() + Upper::exact(SmallerSide::kUnderflow)};
}

}  // namespace

Upper crude_gram_error(Eigen::Index inner, Eigen::Index size, const Upper& squares) {
    return gamma(crude_roundings(inner), Precision::float32) * squares +
           crude_underflow(inner, size);
}

CrudeGram form_crude_gram(const SmallerSide& side) {
    const Eigen::Index n = side.size();
    CrudeGram gram;
    resize_uninitialised(gram.lower, n, n);
    blas::Into into = blas::Into::overwrite;
    Lower below;
    Upper above;
    side.for_each_panel([&](const MatrixView& stored, const FloatMatrix& panel, bool columns) {
        const Enclosure squares = squares_of(stored, side.exponent());
        below = below + squares.lower();
        above += squares.upper();
        blas::gram_of_panel(panel, columns, into, gram.lower);
        into = blas::Into::add;
    });
    gram.sum_of_squares = {below, above};
    gram.error = crude_gram_error(side.inner(), n, above);
    // | |W'|^T |W'| |_F <= |W'|_F^2, so the error bound of S7 is one in the Frobenius norm too.
    gram.frobenius = above + gram.error;
    return gram;
}

void require_crude_gram(const CrudeGram& gram,
                        const SmallerSide& side,
                        const Vector& signs,
                        const Vector& expected) {
    const Eigen::VectorXf x = signs.cast<float>();
    const Vector product = symmetric_product(gram.lower, x).cast<double>();
    // Row i of |W'|^T |W'| 1 is at most |w_i| sum_j |w_j|, the norms of columns of W'. A diagonal
    // that is wrong enough to hide an error is found by the other rows.
    const Vector norms = gram.lower.diagonal().cast<double>().cwiseMax(0.0).cwiseSqrt();
    const double all = norms.sum();
    const std::size_t roundings =
        crude_roundings(side.inner()) + static_cast<std::size_t>(side.size()) + 3;
    const double factor = 2.0 * gamma(roundings, Precision::float32).to_double();
    constexpr double kUnderflow = 0x1p-80;
    for (Eigen::Index i = 0; i < side.size(); ++i) {
        const double threshold = factor * norms(i) * all + kUnderflow;
        if (!(std::abs(product(i) - expected(i)) <= threshold)) {  // a NaN must fail too
            freivalds::distrust("a Gram matrix in float32 (ssyrk, sgemm)", i);
        }
    }
}

Upper certify_crude_level(FloatMatrix& lower, float level) {
    const Eigen::Index n = lower.rows();
    subtract_from_level(lower, level);
    const float largest = lower.diagonal().maxCoeff();
    const Eigen::VectorXf x = freivalds::signs(n).col(0).cast<float>();
    const Eigen::VectorXf image = symmetric_product(lower, x);
    if (!(lower.diagonal().minCoeff() > 0.0F) || blas::cholesky(lower) != 0) {
        return Upper::infinity();
    }
    freivalds::require_factor(image, x, lower);
    const Upper largest_diagonal = Upper::exact(static_cast<double>(largest));
    return Upper::exact(static_cast<double>(level)) +
           unit_roundoff(Precision::float32) * largest_diagonal +
           underflow_unit(Precision::float32) + cholesky_error_from_factor(lower, largest_diagonal);
}

Upper frobenius_of_symmetric(const FloatMatrix& lower) {
    double sum = 0.0;  // squares of floats are exact in float64 and do not underflow
    for (Eigen::Index i = 0; i < lower.rows(); ++i) {
        const auto diagonal = static_cast<double>(lower(i, i));
        sum += 2.0 * lower.row(i).head(i).cast<double>().squaredNorm() + diagonal * diagonal;
    }
    if (!std::isfinite(sum)) {
        return Upper::infinity();
    }
    const auto terms = static_cast<std::size_t>(lower.rows());
    return sqrt(true_sum(sum, 2 * terms + 4, 0).upper());
}

}  // namespace lipcert
