#include "norms/triangular.hpp"

namespace lipcert {

namespace {

template <typename M, typename V>
V absolute_product(const M& lower, const V& x) {
    V image = V::Zero(lower.rows());
    for (Eigen::Index i = 0; i < lower.rows(); ++i) {
        image.head(i + 1) += x(i) * lower.row(i).head(i + 1).cwiseAbs().transpose();
    }
    V result(lower.rows());
    for (Eigen::Index i = 0; i < lower.rows(); ++i) {
        result(i) = lower.row(i).head(i + 1).cwiseAbs().dot(image.head(i + 1));
    }
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
