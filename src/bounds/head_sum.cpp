#include "lipcert/bounds/head_sum.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/lanczos.hpp"

namespace lipcert {

namespace {

// Smaller weights than 2^-200 of the largest are raised to it: a head that hardly counts may count
// a little more, and no scaling factor gets near the ends of the range of doubles.
constexpr double kSmallestRoot = 0x1p-100;

/// The least double found with result * root >= 1.
double inverse_rounded_up(double root) {
    const double inverse = next_up(1.0 / root);
    // 1/root is within half a unit of the quotient, so one step up is beyond it.
    return inverse;
}

Upper quotient(const Upper& numerator, const Upper& denominator) {
    return numerator / Lower::of(denominator.value());
}

}  // namespace

HeadWeights weights_for(const std::vector<Upper>& gains, const std::vector<Upper>& norms) {
    std::vector<Upper> weights(gains.size());
    Upper largest;
    for (std::size_t h = 0; h < gains.size(); ++h) {
        const bool usable = gains[h].is_finite() && norms[h].is_finite() && !norms[h].is_zero();
        weights[h] = usable ? quotient(gains[h], norms[h]) : Upper();
        largest = max(largest, weights[h]);
    }
    std::vector<double> roots;
    for (const Upper& weight : weights) {
        const double share = largest.is_zero() ? 1.0 : quotient(weight, largest).to_double();
        roots.push_back(std::sqrt(std::min(share, 1.0)));
    }
    return weights_of_roots(roots);
}

HeadWeights weights_of_roots(const std::vector<double>& roots) {
    HeadWeights result;
    for (const double root : roots) {
        // A root that is not a number is raised too.
        result.roots.push_back(root > kSmallestRoot ? std::min(root, 1.0) : kSmallestRoot);
        result.inverse_roots.push_back(inverse_rounded_up(result.roots.back()));
    }
    return result;
}

namespace {

MatrixBall weighted(const std::vector<MatrixBall>& blocks, const std::vector<double>& roots) {
    std::vector<MatrixBall> scaled;
    scaled.reserve(blocks.size());
    for (std::size_t h = 0; h < blocks.size(); ++h) {
        scaled.push_back(scaled_by(blocks[h], roots[h]));
    }
    return stack_columns(std::move(scaled));
}

/// About the second eigenvalue of a Gram matrix whose first is known.
double second_eigenvalue(const Matrix& gram, const Estimate& first) {
    const Matrix rest = gram - first.eigenvalue * first.vector * first.vector.transpose();
    return estimate_top_eigenpair(rest).eigenvalue;
}

}  // namespace

Upper weighted_norm(const std::vector<MatrixBall>& blocks, const std::vector<double>& roots) {
    return spectral_norm(weighted(blocks, roots)).upper();
}

Upper weighted_pair_norm(const std::vector<MatrixBall>& blocks, const std::vector<double>& roots) {
    const MatrixBall gram = gram_of_rows(weighted(blocks, roots));
    if (!gram.radius().is_finite()) {
        return Upper::infinity();
    }
    const MatrixBall unit = gram.scaled(-gram.exponent());
    // G - beta v v^T <= mu I gives e^T G e + w^T G w <= 2 mu + beta |v|^2 for orthogonal unit
    // vectors, whatever v and beta >= 0 are.
    const Estimate first = estimate_top_eigenpair(unit.centre());
    const double second = std::max(second_eigenvalue(unit.centre(), first), 0.0);
    const double beta = first.eigenvalue - second;
    if (!(beta > 0.0) || !std::isfinite(beta) || !first.vector.allFinite()) {
        return sqrt(Upper::of_count(2)) * weighted_norm(blocks, roots);
    }
    const MatrixBall vector = MatrixBall::of_vector(first.vector);
    const MatrixBall deflated = sum(unit, scaled_by(product(vector, vector.transposed()), -beta));
    const Upper total = spectral_norm(deflated).upper().scaled(1) +
                        Upper::exact(beta) * square(frobenius_norm(vector));
    return sqrt(total.scaled(gram.exponent()));
}

Upper joined(const Upper& value, const Upper& key, Joining joining) {
    switch (joining) {
        case Joining::orthogonal:
            return hypot(value, key);
        case Joining::skewed:
            return sqrt(square(value) + value * key + square(key));
        case Joining::parallel:
            break;
    }
    return value + key;
}

Upper share_beside_values(const Upper& key, Joining joining) {
    Upper one = Upper::exact(1.0);
    if (!key.is_finite()) {
        return one;
    }
    const Lower unit = Lower::exact(1.0);
    const Lower same = Lower::of(key.value());  // the very number
    Upper squared;
    switch (joining) {
        case Joining::orthogonal:
            squared = square(key) / (unit + same * same);
            break;
        case Joining::skewed:
            squared = (key.scaled(-1) + square(key)) / (unit + same + same * same);
            break;
        case Joining::parallel:
            squared = key / (unit + same);
            break;
    }
    return min(sqrt(squared), one);
}

Upper weighted_gain(const std::vector<Upper>& gains, const HeadWeights& weights) {
    Upper sum_of_squares;
    for (std::size_t h = 0; h < gains.size(); ++h) {
        sum_of_squares += square(gains[h] * Upper::exact(weights.inverse_roots[h]));
    }
    return sqrt(sum_of_squares);
}

Upper plain_sum(const std::vector<Upper>& norms, const std::vector<Upper>& gains) {
    Upper total;
    for (std::size_t h = 0; h < gains.size(); ++h) {
        total += gains[h] * norms[h];
    }
    return total;
}

}  // namespace lipcert
