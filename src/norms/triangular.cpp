#include "norms/triangular.hpp"

namespace lipcert {

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
    Vector image = Vector::Zero(lower.rows());
    for (Eigen::Index i = 0; i < lower.rows(); ++i) {
        image.head(i + 1) += x(i) * lower.row(i).head(i + 1).cwiseAbs().transpose();
    }
    Vector result(lower.rows());
    for (Eigen::Index i = 0; i < lower.rows(); ++i) {
        result(i) = lower.row(i).head(i + 1).cwiseAbs().dot(image.head(i + 1));
    }
    return result;
}

}  // namespace lipcert
