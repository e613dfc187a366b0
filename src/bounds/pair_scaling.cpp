#include "bounds/pair_scaling.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace lipcert {

namespace {

/// Positive numbers, one per row, equal on the two rows of each rotated pair.
struct PairScaling {
    Vector forward;   ///< D
    Vector backward;  ///< at least D^-1, entry by entry
};

constexpr double kLargestPairScale = 0x1p30;

/// max(|W_p| R, |b_p|) of the pair of rows (p, p + d_h/2).
std::vector<Upper> pair_sizes(const AffineMap& map, const Upper& radius) {
    const std::vector<Upper> rows = row_norms(map.weight);
    const std::vector<Upper> biases = row_norms(map.bias);
    const std::size_t half = rows.size() / 2;
    std::vector<Upper> sizes(half);
    for (std::size_t p = 0; p < half; ++p) {
        sizes[p] = max(hypot(rows[p], rows[p + half]) * radius, hypot(biases[p], biases[p + half]));
    }
    return sizes;
}

Upper root_of_squares(const std::vector<Upper>& values) {
    Upper total;
    for (const Upper& value : values) {
        total += square(value);
    }
    return sqrt(total);
}

/// sqrt(a / b) between 2^-30 and 2^30; any number in between is as sound.
double clamped_root_ratio(const Upper& a, const Upper& b) {
    if (b.is_zero() || !b.is_finite() || !a.is_finite()) {
        return a.is_zero() == b.is_zero() ? 1.0 : kLargestPairScale;
    }
    const double root = sqrt(a / Lower::of(b.value())).to_double();
    return std::clamp(root, 1.0 / kLargestPairScale, kLargestPairScale);
}

PairScaling of_doubles(const Vector& pairs) {
    const Eigen::Index half = pairs.size();
    PairScaling scaling{Vector(2 * half), Vector(2 * half)};
    for (Eigen::Index p = 0; p < half; ++p) {
        const double d = std::clamp(pairs(p), 1.0 / kLargestPairScale, kLargestPairScale);
        const double inverse = next_up(1.0 / d);
        scaling.forward(p) = scaling.forward(p + half) = d;
        scaling.backward(p) = scaling.backward(p + half) = inverse;
    }
    return scaling;
}

/// D_p^2 = |Wk,p| / |Wq,p|, relative to the whole head: balances the two sides pair by pair.
Vector balance_of_sizes(const QueryKey& head, const Upper& radius) {
    const std::vector<Upper> query = pair_sizes(head.query, radius);
    const std::vector<Upper> key = pair_sizes(head.key, radius);
    const Upper query_total = root_of_squares(query);
    const Upper key_total = root_of_squares(key);
    const auto half = static_cast<Eigen::Index>(query.size());
    Vector pairs(half);
    for (Eigen::Index p = 0; p < half; ++p) {
        const auto i = static_cast<std::size_t>(p);
        pairs(p) = clamped_root_ratio(key[i] * query_total, query[i] * key_total);
    }
    return pairs;
}

/// W W^T R^2 + b b^T in rounded arithmetic, relative to its trace: the numbers of which the scaling
/// makes the largest eigenvalue small.
Matrix relative_gram(const AffineMap& map, const Upper& radius) {
    const Matrix& weight = map.weight.centre();
    const Matrix& bias = map.bias.centre();
    const Upper bias_scale = Upper::power_of_two(map.bias.exponent());
    const Upper weight_scale = Upper::power_of_two(map.weight.exponent()) * radius;
    double share = 0.0;
    if (weight_scale.is_finite() && !weight_scale.is_zero()) {
        share = (bias_scale / Lower::of(weight_scale.value())).to_double();
    }
    Matrix gram = weight * weight.transpose();
    if (std::isfinite(share * share)) {
        gram += share * share * bias * bias.transpose();
    }
    const double trace = gram.trace();
    return trace > 0.0 ? Matrix(gram / trace) : gram;
}

/// The top eigenvector of diag(d) G diag(d), squared and summed over pairs; `vector` is where the
/// power iteration stands.
Vector pair_shares(const Matrix& gram, const Vector& diagonal, int steps, Vector& vector) {
    for (int step = 0; step < steps; ++step) {
        vector = diagonal.asDiagonal() * (gram * (diagonal.asDiagonal() * vector)).eval();
        const double length = vector.norm();
        if (!(length > 0.0) || !std::isfinite(length)) {
            vector = Vector::Ones(diagonal.size());
            break;
        }
        vector /= length;
    }
    const Eigen::Index half = diagonal.size() / 2;
    return vector.head(half).array().square() + vector.tail(half).array().square();
}

/// A few subgradient steps on log |D Wq| + log |D^-1 Wk|: a pair that the one side's top direction
/// uses more than the other's gets less of it.
Vector improved(const Vector& start, const Matrix& query, const Matrix& key) {
    constexpr int kSteps = 60;
    constexpr double kFirstStep = 0.5;
    const Eigen::Index half = start.size();
    Vector log_pairs = start.array().log();
    Vector best = start;
    double least = std::numeric_limits<double>::infinity();
    Vector query_top = Vector::Ones(2 * half);
    Vector key_top = Vector::Ones(2 * half);
    for (int step = 0; step < kSteps; ++step) {
        const Vector pairs = log_pairs.array().exp();
        const PairScaling scaling = of_doubles(pairs);
        const int power_steps = step == 0 ? 30 : 5;
        const Vector of_query = pair_shares(query, scaling.forward, power_steps, query_top);
        const Vector of_key = pair_shares(key, scaling.backward, power_steps, key_top);
        const auto squared_norm = [](const Matrix& gram, const Vector& d, const Vector& top) {
            const Vector scaled = d.asDiagonal() * top;
            return scaled.dot(gram * scaled);
        };
        const double value = squared_norm(query, scaling.forward, query_top) *
                             squared_norm(key, scaling.backward, key_top);
        if (value < least) {
            least = value;
            best = pairs;
        }
        log_pairs -= kFirstStep / (1.0 + step / 8.0) * (of_query - of_key);
    }
    return best;
}

QueryKey scaled_pairs(const QueryKey& head, const PairScaling& scaling) {
    return {{scale_rows(head.query.weight, scaling.forward),
             scale_rows(head.query.bias, scaling.forward)},
            {scale_rows(head.key.weight, scaling.backward),
             scale_rows(head.key.bias, scaling.backward)}};
}

}  // namespace

QueryKey balanced_pairs(const QueryKey& head, const Upper& radius) {
    const Vector pairs = improved(balance_of_sizes(head, radius),
                                  relative_gram(head.query, radius),
                                  relative_gram(head.key, radius));
    return scaled_pairs(head, of_doubles(pairs));
}

}  // namespace lipcert
