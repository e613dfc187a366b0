#include "bounds/lipsdp.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "bounds/multiplier.hpp"
#include "norms/cholesky_certificate.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

constexpr int kAttempts = 5;
constexpr double kFirstGap = 1e-7;
constexpr double kWidening = 30.0;
/// Exponents that doubles carry without loss in what follows.
constexpr long kLargestExponent = 400;
constexpr long kSmallestExponent = -900;

double next_up(double value) {
    return std::nextafter(value, std::numeric_limits<double>::infinity());
}

/// The family with its numbers scaled by powers of two, so that W1, W2 and Hc are of order one:
/// Hc = 2^(in + out) centre', W1 = 2^in W1', r W2 = 2^out W2'. The exponents of `in` and `out`
/// are 0.
struct Scaled {
    MatrixBall centre, in, out;
    long exponent = 0;
};

std::optional<Scaled> scaled(const DiagonalFamily& family) {
    if (!family.half_width.is_finite() || !family.in.radius().is_finite() ||
        !family.out.radius().is_finite() || !family.centre.radius().is_finite()) {
        return std::nullopt;
    }
    Scaled result;
    result.in = family.in.scaled(-family.in.exponent());
    // r is taken as a double above it; a larger half-width only enlarges the family.
    const double half_width = family.half_width.to_double();
    if (!std::isfinite(half_width) || half_width <= 0.0) {
        return std::nullopt;
    }
    const MatrixBall out = scaled_by(family.out, half_width);
    result.out = out.scaled(-out.exponent());
    result.exponent = family.in.exponent() + out.exponent();
    result.centre = family.centre.scaled(-result.exponent);
    return result;
}

/// The centre of a ball as doubles; nothing where they do not hold it.
std::optional<Matrix> doubles(const MatrixBall& ball) {
    if (ball.centre().isZero(0.0)) {
        return ball.centre();
    }
    if (ball.exponent() > kLargestExponent || ball.exponent() < kSmallestExponent) {
        return std::nullopt;
    }
    return Matrix(std::ldexp(1.0, static_cast<int>(ball.exponent())) * ball.centre());
}

/// X = W2 T^-1 W2^T, Y = W1^T T W1 (or more, in the Loewner order) and Hc.
struct Blocks {
    MatrixBall x, y, centre;
};

Blocks form_blocks(const Scaled& family, const Vector& diagonal) {
    Vector forward(diagonal.size());   // s_i, and T_i is its exact square
    Vector backward(diagonal.size());  // at least 1/s_i: a larger X is worse, never wrong
    for (Index i = 0; i < diagonal.size(); ++i) {
        forward(i) = std::sqrt(diagonal(i));
        backward(i) = next_up(1.0 / forward(i));
    }
    const MatrixBall in = scale_rows(family.in, forward);
    const MatrixBall out = scale_columns(family.out, MatrixBall::of_vector(backward));
    return {gram_of_rows(out), gram_of_columns(in), family.centre};
}

/// Whether [[I - h^2 Y, h Hc^T], [h Hc, I - X]] is proved to be positive semidefinite: then 1/h
/// bounds the family [R10].
bool proves(const Blocks& blocks, double inverse_bound) {
    // h^2 is rounded up: a larger Y is worse, never wrong.
    const MatrixBall y = scaled_by(blocks.y, next_up(inverse_bound * inverse_bound));
    const MatrixBall centre = scaled_by(blocks.centre, inverse_bound);
    const std::optional<Matrix> y_centre = doubles(y);
    const std::optional<Matrix> x_centre = doubles(blocks.x);
    const std::optional<Matrix> middle = doubles(centre);
    if (!y_centre || !x_centre || !middle) {
        return false;
    }
    const Index inputs = y.rows();
    const Index size = inputs + blocks.x.rows();
    Matrix lower = Matrix::Zero(size, size);
    lower.topLeftCorner(inputs, inputs) = -*y_centre;
    lower.bottomLeftCorner(size - inputs, inputs) = *middle;
    lower.bottomRightCorner(size - inputs, size - inputs) = -*x_centre;
    const Vector exact_diagonal = lower.diagonal();
    const Vector diagonal = 1.0 + exact_diagonal.array();
    if (!(diagonal.minCoeff() > 0.0)) {
        return false;
    }
    // Only the lower triangles are used: mirrored, an error of Frobenius norm e becomes at most
    // sqrt(2) e. The blocks on the diagonal and the one beside them add up.
    const Upper two = Upper::of_count(2);
    const Upper forming = two * max(y.radius(), blocks.x.radius()) + centre.radius() +
                          unit_roundoff() * Upper::of_count(2) +
                          Upper::of_count(static_cast<std::size_t>(size * size)) * underflow_unit();
    const Upper expected = cholesky_error_from_trace(
        size, Upper::of_count(static_cast<std::size_t>(size)), Upper::exact(1.0));
    const double shift = (two * (forming + expected)).to_double();
    if (!std::isfinite(shift) || shift >= 0.5) {
        return false;
    }
    lower.diagonal() = diagonal.array() - shift;
    const CholeskyFactor factor = factorise(std::move(lower));
    // A - shift I >= -error - (rounding of the subtraction), so A >= 0 if the shift covers them.
    return factor.succeeded() &&
           proves_at_most(forming + unit_roundoff() * two + factor.error, Lower::exact(shift));
}

}  // namespace

std::optional<Upper> lipsdp_bound(const DiagonalFamily& family, Effort effort) {
    const std::optional<Scaled> problem = scaled(family);
    if (!problem) {
        return std::nullopt;
    }
    const Matrix& in = problem->in.centre();
    const Matrix& out = problem->out.centre();
    const std::optional<Matrix> centre = doubles(problem->centre);
    if (!centre || in.isZero(0.0) || out.isZero(0.0)) {
        return std::nullopt;
    }
    const std::optional<Multiplier> multiplier = search_multiplier({*centre, in, out}, effort);
    if (!multiplier || !(multiplier->bound > 0.0) || !std::isfinite(multiplier->bound)) {
        return std::nullopt;
    }
    const Blocks blocks = form_blocks(*problem, multiplier->diagonal);
    double gap = kFirstGap;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const double inverse_bound = 1.0 / (multiplier->bound * (1.0 + gap));
        if (!std::isfinite(inverse_bound * inverse_bound)) {
            return std::nullopt;  // far below what any search finds
        }
        if (proves(blocks, inverse_bound)) {
            return (Upper::exact(1.0) / Lower::exact(inverse_bound)).scaled(problem->exponent);
        }
        gap *= kWidening;
    }
    return std::nullopt;
}

}  // namespace lipcert
