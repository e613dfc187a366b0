#include "norms/rotated_norm.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <optional>

#include "norms/blas.hpp"
#include "norms/eigen_system.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

/// Bounds |C|_2 <= sqrt(|C|_1 |C|_inf) of every member of a ball.
Upper disc_bound(const MatrixBall& ball) {
    const Matrix sizes = ball.centre().cwiseAbs();
    const double largest =
        std::max(sizes.rowwise().sum().maxCoeff(), sizes.colwise().sum().maxCoeff());
    // Sums of non-negative numbers: each term went through at most n - 1 roundings.
    const auto terms = static_cast<std::size_t>(std::max(sizes.rows(), sizes.cols()));
    const Upper sum = true_sum(largest, terms, 0).upper();
    return sum.scaled(ball.exponent()) + ball.radius();
}

/// |C|_F of every member of a ball, from below.
Lower frobenius_lower(const MatrixBall& ball) {
    return sqrt(sum_of_squares(ball.centre()).lower()).scaled(ball.exponent()) - ball.radius();
}

/// About the eigenvectors of W^T W, one in each column; nothing where they cannot be had.
std::optional<Matrix> eigenvectors(const Matrix& scaled) {
    const Matrix gram = blas::multiply(scaled.transpose(), scaled);
    if (!gram.allFinite()) {
        return std::nullopt;
    }
    try {
        return Matrix(estimate::eigen_system(gram).vectors.transpose());
    } catch (const Error&) {  // too large for it
        return std::nullopt;
    }
}

}  // namespace

Enclosure rotated_norm(const Matrix& matrix) {
    const MatrixBall stored = MatrixBall::of(matrix);
    const MatrixBall tall = matrix.cols() <= matrix.rows() ? stored : stored.transposed();
    const std::optional<Matrix> guess = eigenvectors(tall.centre());
    if (!guess) {
        return {Lower(), frobenius_norm(stored)};
    }
    const Eigen::Index size = tall.cols();
    const MatrixBall basis = MatrixBall::around(*guess, 0, Upper());
    const MatrixBall image = product(tall, basis);
    const Upper gram = disc_bound(product(image.transposed(), image));
    const MatrixBall unit = MatrixBall::of(Matrix::Identity(size, size));
    const Upper skew = disc_bound(sum(product(basis.transposed(), basis), scaled_by(unit, -1.0)));
    Upper upper = frobenius_norm(stored);
    const Lower one = Lower::exact(1.0);
    if (const Lower left = one - skew; !left.is_zero()) {
        upper = min(upper, sqrt(gram / left));
    }
    // The eigenvalues ascend.
    const Upper length = frobenius_norm(basis.column_block(size - 1, 1));
    const Lower reached = frobenius_lower(image.column_block(size - 1, 1));
    return {length.is_zero() || !length.is_finite() ? Lower() : reached / length, upper};
}

}  // namespace lipcert
