#include "norms/triangular.hpp"

#include <algorithm>

#include "norms/parallel.hpp"

namespace lipcert {

namespace {

/// Rows whose products one thread adds up: parts of a sum that are added in order afterwards, so
/// that it is the same on any number of threads.
constexpr Eigen::Index kPartialSums = 8;

template <typename M, typename V>
V absolute_product(const M& lower, const V& x) {
    const Eigen::Index n = lower.rows();
    const Eigen::Index length = (n + kPartialSums - 1) / kPartialSums;
    const double operations = static_cast<double>(n) * static_cast<double>(n);
    Eigen::Matrix<typename M::Scalar, Eigen::Dynamic, kPartialSums> images =
        Eigen::Matrix<typename M::Scalar, Eigen::Dynamic, kPartialSums>::Zero(n, kPartialSums);
    for_each_piece(kPartialSums, operations, [&](Eigen::Index piece) {
        const Eigen::Index end = std::min((piece + 1) * length, n);
        for (Eigen::Index i = piece * length; i < end; ++i) {
            images.col(piece).head(i + 1) += x(i) * lower.row(i).head(i + 1).cwiseAbs().transpose();
        }
    });
    const V image = images.rowwise().sum();
    V result(n);
    for_each_row_range(n, n, [&](Eigen::Index begin, Eigen::Index end) {
        for (Eigen::Index i = begin; i < end; ++i) {
            result(i) = lower.row(i).head(i + 1).cwiseAbs().dot(image.head(i + 1));
        }
    });
    return result;
}

}  // namespace

Vector symmetric_product(const Matrix& lower, const Vector& x) {
    return lower.selfadjointView<Eigen::Lower>() * x;
}

void solve_with_factor(const Matrix& lower, Vector& x) {
    for (Eigen::Index i = 0; i < x.size(); ++i) {
        x(i) = (x(i) - lower.row(i).head(i).dot(x.head(i))) / lower(i, i);
    }
    solve_transposed_leading_block(lower, x);
}

void solve_transposed_leading_block(const Matrix& lower, Vector& x) {
    for (Eigen::Index i = x.size() - 1; i >= 0; --i) {
        x(i) /= lower(i, i);
        x.head(i) -= x(i) * lower.row(i).head(i).transpose();
    }
}

Vector absolute_gram_product(const Matrix& lower, const Vector& x) {
    return absolute_product(lower, x);
}

Eigen::VectorXf absolute_gram_product(const FloatMatrix& lower, const Eigen::VectorXf& x) {
    return absolute_product(lower, x);
}

Eigen::VectorXf gram_product(const FloatMatrix& lower, const Eigen::VectorXf& x) {
    const Eigen::VectorXf image = lower.triangularView<Eigen::Lower>().transpose() * x;
    return lower.triangularView<Eigen::Lower>() * image;
}

}  // namespace lipcert
