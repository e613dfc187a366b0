#include "norms/rotated_norm.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "norms/eigen_system.hpp"
#include "norms/gram.hpp"
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

/// About the eigenvectors of a symmetric matrix, one in each row, their eigenvalues ascending;
/// nothing where they cannot be had.
std::optional<Matrix> eigenvectors(const Matrix& lower) {
    try {
        Matrix vectors = estimate::eigen_system(lower).vectors;
        return vectors.allFinite() ? std::optional(std::move(vectors)) : std::nullopt;
    } catch (const Error&) {  // too large for it
        return std::nullopt;
    }
}

/// The ends of |W'|_2^2 for the W' whose Gram matrix was formed.
Enclosure squared_norm(const Gram& gram) {
    Enclosure trivial = {Lower(), gram.sum_of_squares.upper()};
    const std::optional<Matrix> guess = eigenvectors(gram.lower);
    if (!guess) {
        return trivial;
    }
    const MatrixBall rows = MatrixBall::of(*guess);
    const MatrixBall columns = rows.transposed();
    const Eigen::Index size = rows.rows();
    const MatrixBall unit = MatrixBall::of(Matrix::Identity(size, size));
    const Upper skew = disc_bound(sum(gram_of_rows(rows), scaled_by(unit, -1.0)));
    const Lower one = Lower::exact(1.0);
    const Lower least = one - skew;
    if (least.is_zero()) {
        return trivial;
    }
    const MatrixBall whole = MatrixBall::of(gram.lower.selfadjointView<Eigen::Lower>());
    const MatrixBall rotated = product(product(rows, whole), columns);
    // |v|^2 <= 1 + skew for each of the vectors.
    const Upper longest = Upper::exact(1.0) + skew;
    const Upper error = gram.error * longest;
    const double last = std::max(rotated.centre()(size - 1, size - 1), 0.0);
    const Lower reached = Lower::exact(last).scaled(rotated.exponent()) - rotated.radius();
    return {(reached - error) / longest,
            min(trivial.upper(), (disc_bound(rotated) + error) / least)};
}

}  // namespace

Enclosure rotated_norm(const Matrix& matrix) {
    const std::optional<int> exponent = largest_exponent(matrix);
    if (!exponent) {
        return {};
    }
    const TallPanels panels = TallPanels::of_smaller_side(matrix, *exponent);
    const Enclosure squares = squared_norm(form_gram(panels));
    const Upper lost = panels.scaling_error();
    return Enclosure(sqrt(squares.lower()) - lost, sqrt(squares.upper()) + lost).scaled(*exponent);
}

}  // namespace lipcert
