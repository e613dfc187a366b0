#include "norms/ritz_correction.hpp"

#include <algorithm>
#include <cmath>

#include "norms/blas.hpp"
#include "norms/large_matrix.hpp"
#include "norms/triangular.hpp"
#include <Eigen/Eigenvalues>

namespace lipcert {

namespace {

/// Of the residual; where the rest reaches 0.95 of the top, the steps leave 2e-3 of it at most.
constexpr double kTolerance = 1e-4;
constexpr int kSteps = 16;
/// How many Ritz vectors are combined, and kept out of the correction.
constexpr Eigen::Index kDirections = 12;

void remove_directions(const Matrix& vectors, Vector& x) {
    x -= vectors * (vectors.transpose() * x);
}

/// (value I - F) d = b on the complement of V; b of length 1.
Vector solve(const FloatMatrix& lower, const Matrix& vectors, double value, const Vector& b) {
    Vector solution = Vector::Zero(b.size());
    Vector rest = b;
    Vector direction = b;
    double square = rest.squaredNorm();
    for (int step = 0; step < kSteps && square > kTolerance * kTolerance; ++step) {
        Vector image =
            value * direction - symmetric_product(lower, direction.cast<float>()).cast<double>();
        remove_directions(vectors, image);
        const double curvature = direction.dot(image);
        if (!(curvature > 0.0)) {
            break;
        }
        solution += (square / curvature) * direction;
        rest -= (square / curvature) * image;
        const double next = rest.squaredNorm();
        direction = rest + (next / square) * direction;
        square = next;
    }
    return solution;
}

}  // namespace

Vector ritz_correction(const FloatMatrix& lower,
                       const Matrix& vectors,
                       double value,
                       const Vector& residual) {
    Vector b = residual;
    remove_directions(vectors, b);
    const double length = b.norm();
    if (!(length > 0.0 && std::isfinite(length))) {
        return Vector::Zero(b.size());
    }
    return length * solve(lower, vectors, value, b / length);
}

Vector sharpened_top(const FloatMatrix& lower,
                     const RitzPairs& pairs,
                     const std::function<Matrix(const Matrix&)>& image) {
    const Eigen::Index last = std::min(kDirections, pairs.values.size()) - 1;
    const Matrix vectors = pairs.vectors.leftCols(last + 1);
    const Matrix images = image(vectors);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(vectors.transpose() * images);
    const double value = solver.eigenvalues()(last);
    if (solver.info() != Eigen::Success || !std::isfinite(value)) {
        return pairs.vectors.col(0);
    }
    const Vector weights = solver.eigenvectors().col(last);
    Vector top = vectors * weights;
    const Vector residual = images * weights - value * top;
    Vector corrected = top + ritz_correction(lower, vectors, value, residual);
    if (!corrected.allFinite()) {
        return top;
    }
    const double quotient = corrected.dot(image(corrected).col(0)) / corrected.squaredNorm();
    return quotient > value ? corrected : top;
}

Estimate sharp_top_eigenpair(const Matrix& lower) {
    constexpr Eigen::Index kSmallestSharpened = 128;
    if (lower.rows() < kSmallestSharpened) {
        return estimate_top_eigenpair(lower);
    }
    FloatMatrix rounded = lower_in_float32(lower);
    const std::optional<RitzPairs> pairs = leading_ritz_pairs(rounded, until_good_top);
    if (!pairs) {
        return estimate_top_eigenpair(lower);
    }
    const Vector top = sharpened_top(rounded, *pairs, [&](const Matrix& vectors) {
        return vectors.cols() == 1 ? Matrix(symmetric_product(lower, Vector(vectors.col(0))))
                                   : blas::multiply_symmetric(lower, vectors);
    });
    recycle(std::move(rounded));
    return rayleigh_quotient(lower, top);
}

}  // namespace lipcert
