#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/normalisation.hpp"
#include "lipcert/error.hpp"

#include <cmath>
#include <utility>

#include "bounds/pair_scaling.hpp"
#include "bounds/rotations.hpp"

namespace lipcert {

namespace {

Eigen::Index head_rows(const AffineMap& map, std::size_t heads) {
    return map.weight.rows() / static_cast<Eigen::Index>(heads);
}

/// [R25] Query head h answers to key head h * key_value_heads / heads.
QueryKey head_of(const AttentionWeights& weights, std::size_t head) {
    const Eigen::Index query_rows = head_rows(weights.query, weights.heads);
    const Eigen::Index key_rows = head_rows(weights.key, weights.key_value_heads);
    const std::size_t group = head * weights.key_value_heads / weights.heads;
    return {output_block(weights.query, static_cast<Eigen::Index>(head) * query_rows, query_rows),
            output_block(weights.key, static_cast<Eigen::Index>(group) * key_rows, key_rows)};
}

/// [R19] N = Wq^T L with L L^T >= Wk Wk^T, so |A^T x| <= |N^T x| for A = Wq^T Wk. A key bias shifts
/// all scores of a token alike and drops out.
ScoreHead plain_head(const QueryKey& head, const Upper& radius) {
    const MatrixBall key_factor = gram_factor(head.key.weight);
    ScoreHead result;
    result.shared = product(head.query.weight.transposed(), key_factor);
    result.shared_norm = spectral_norm(result.shared).upper();
    result.key_factor = Upper::exact(1.0);
    result.key_offset = frobenius_norm(product(key_factor.transposed(), head.query.bias));
    result.query_factor = radius;
    return result;
}

/// [R24] -|q - k|^2 = 2 q.k - |k|^2 - |q|^2, and |q|^2 is the same for all keys: the scores of
/// [R19] with the bias bq - bk, and each key's own square.
ScoreHead distance_head(const QueryKey& head, const Upper& radius) {
    QueryKey apart = head;
    apart.query.bias = sum(head.query.bias, scaled_by(head.key.bias, -1.0));
    ScoreHead result = plain_head(apart, radius);
    result.key_square = square(spectral_norm(head.key.weight).upper()) * radius;
    return result;
}

/// [R24] Scores that may not be shifted: a key bias k adds |(Wq^T k) . dx_i|.
ScoreHead unshiftable_head(const QueryKey& head, const Upper& radius) {
    ScoreHead result = plain_head(head, radius);
    result.query_addend = frobenius_norm(product(head.query.weight.transposed(), head.key.bias));
    return result;
}

/// Neither rotated nor normalised.
ScoreHead unturned_head(const QueryKey& head,
                        const AttentionWeights& weights,
                        const Upper& radius) {
    if (weights.squared_distance) {
        return distance_head(head, radius);
    }
    return weights.capped || weights.sink ? unshiftable_head(head, radius)
                                          : plain_head(head, radius);
}

/// [R23] for q' = D q and k' = D^-1 k: a rotation of the pairs commutes with D, so it only turns
/// vectors of norm |q'| and |k'|.
ScoreHead rotated_head(const QueryKey& head, const Upper& radius) {
    const Upper key_norm = spectral_norm(head.key.weight).upper();
    ScoreHead result;
    result.shared = head.query.weight.transposed();
    result.shared_norm = spectral_norm(result.shared).upper();
    result.key_factor = key_norm;
    result.key_offset = key_norm * frobenius_norm(head.query.bias);
    result.query_offset = frobenius_norm(head.key.bias);
    result.query_factor = affine_radius(key_norm, result.query_offset, radius);
    return result;
}

Upper total_gain(const ScoreHead& head, const Upper& radius) {
    return affine_radius(head.key_factor * head.shared_norm, head.key_offset, radius) +
           head.query_factor * head.shared_norm;
}

ScoreHead best_rotated_head(const QueryKey& head, Rotary rotary, const Upper& radius) {
    ScoreHead plain = rotated_head(head, radius);
    // Where the pairs are not known, only D = 1 commutes with every rotation.
    if (rotary != Rotary::half_split) {
        return plain;
    }
    ScoreHead balanced = rotated_head(balanced_pairs(head, radius), radius);
    return total_gain(balanced, radius) < total_gain(plain, radius) ? std::move(balanced)
                                                                    : std::move(plain);
}

/// The norm and the Lipschitz constant of a query or key behind its optional normalisation [R16].
struct Side {
    Upper radius;
    Upper slope;
};

Side side_of(const AffineMap& map,
             const std::optional<HeadNorm>& norm,
             const Upper& radius,
             const std::string& where) {
    const Upper reach =
        affine_radius(spectral_norm(map.weight).upper(), frobenius_norm(map.bias), radius);
    if (!norm) {
        return {reach, Upper::exact(1.0)};
    }
    const auto dimension = static_cast<std::size_t>(map.weight.rows());
    if (norm->kind == NormKind::unit) {
        return {
            norm->gain * unit_norm_radius(norm->epsilon, reach) + norm->offset,
            norm->gain * unit_norm_lipschitz(norm->epsilon, norm->minimum_rms, dimension, where)};
    }
    return {norm->gain * normalisation_radius(dimension, norm->epsilon, reach) + norm->offset,
            norm->gain * normalisation_lipschitz(norm->epsilon, norm->minimum_rms, where)};
}

/// [R16]: every step uses norms of q^ and k^ only, so a rotation may stand before or after.
ScoreHead normalised_head(const QueryKey& head,
                          const AttentionWeights& weights,
                          const Upper& radius,
                          const std::string& where) {
    const Side query = side_of(head.query, weights.query_norm, radius, where);
    const Side key = side_of(head.key, weights.key_norm, radius, where);
    ScoreHead result;
    result.shared = head.query.weight.transposed();
    result.shared_norm = spectral_norm(result.shared).upper();
    result.key_offset = query.radius * key.slope * spectral_norm(head.key.weight).upper();
    result.query_factor = key.radius * query.slope;
    return result;
}

/// [R43] |(Wq x)^T T Wk y| <= m |x| |y| for every rotation T that occurs: N is m times an identity,
/// of which two directions stand for all (R40 looks at two). A bias is moved as in [R23].
ScoreHead head_by_rotations(const QueryKey& head, const RotationTable& table, const Upper& radius) {
    const double largest = table.largest_product(head.query.weight, head.key.weight).to_double();
    ScoreHead result;
    if (!std::isfinite(largest)) {
        result.shared = MatrixBall::zero(2, 2);
        result.shared_norm = result.key_factor = result.query_factor = Upper::infinity();
        result.key_offset = result.query_addend = Upper::infinity();
        return result;
    }
    result.shared = MatrixBall::of(largest * Matrix::Identity(2, 2));
    result.shared_norm = spectral_norm(result.shared).upper();
    result.key_factor = Upper::exact(1.0);
    result.key_offset = spectral_norm(head.key.weight).upper() * frobenius_norm(head.query.bias);
    result.query_factor = radius;
    result.query_addend = spectral_norm(head.query.weight).upper() * frobenius_norm(head.key.bias);
    return result;
}

void require_plain_distances(const AttentionWeights& weights, const std::string& where) {
    if (weights.rotary != Rotary::none || weights.query_norm || weights.key_norm ||
        weights.capped || weights.sink) {
        throw Error(ErrorKind::architecture,
                    where,
                    "scores that are squared distances have a proved rule only without rotary "
                    "positions, query and key norms, a cap and a sink; expected dot products here");
    }
}

}  // namespace

Upper product_scale(const Attention& attention) {
    Upper tau = attention.score_scale.magnitude();
    if (!attention.squared_distance) {
        return tau;
    }
    if (!attention.score_scale.is_positive() && !tau.is_zero()) {
        throw Error(ErrorKind::architecture,
                    attention.query.weight,
                    "the scale of squared distances is not positive, and the rule for them holds "
                    "where what is near scores high; expected a positive scale");
    }
    return tau.scaled(1);
}

std::optional<Rotations> rotations_of(const Attention& attention,
                                      std::optional<std::size_t> tokens) {
    if (!tokens || attention.rotary != Rotary::half_split || !attention.rotary_angles ||
        attention.rotary_angles->rotated) {
        return std::nullopt;
    }
    return Rotations{*attention.rotary_angles, *tokens};
}

std::vector<ScorePath> score_paths(const AttentionWeights& weights,
                                   const Upper& radius,
                                   const std::string& where) {
    std::vector<ScorePath> paths = {score_path(weights, radius, where)};
    const Eigen::Index rows = head_rows(weights.query, weights.heads);
    if (!weights.rotations || weights.query_norm || weights.key_norm || rows % 2 != 0) {
        return paths;
    }
    const RotationTable table(*weights.rotations, rows);
    ScorePath path;
    path.rule = !weights.capped && !weights.sink ? "R43" : "R43 R24";
    for (std::size_t h = 0; h < weights.heads; ++h) {
        path.heads.push_back(head_by_rotations(head_of(weights, h), table, radius));
    }
    paths.push_back(std::move(path));
    return paths;
}

ScorePath score_path(const AttentionWeights& weights,
                     const Upper& radius,
                     const std::string& where) {
    if (weights.squared_distance) {
        require_plain_distances(weights, where);
    }
    const bool normalised = weights.query_norm || weights.key_norm;
    const bool plain = !normalised && weights.rotary == Rotary::none;
    const bool shiftable = !weights.capped && !weights.sink;
    ScorePath path;
    if (plain) {
        path.joining = weights.capped ? Joining::skewed : Joining::orthogonal;
    }
    path.rule = normalised ? "R16" : plain ? "R19" : "R23";
    path.rule += shiftable && !weights.squared_distance ? "" : " R24";
    for (std::size_t h = 0; h < weights.heads; ++h) {
        const QueryKey head = head_of(weights, h);
        if (normalised) {
            path.heads.push_back(normalised_head(head, weights, radius, where));
        } else if (!plain) {
            path.heads.push_back(best_rotated_head(head, weights.rotary, radius));
        } else {
            path.heads.push_back(unturned_head(head, weights, radius));
        }
    }
    return path;
}

Upper largest_score(const AttentionWeights& weights,
                    const Upper& radius,
                    const std::string& where) {
    Upper largest;
    for (std::size_t h = 0; h < weights.heads; ++h) {
        const QueryKey head = head_of(weights, h);
        if (weights.squared_distance) {
            const Upper norms =
                spectral_norm(head.query.weight).upper() + spectral_norm(head.key.weight).upper();
            const MatrixBall bias = sum(head.query.bias, scaled_by(head.key.bias, -1.0));
            largest =
                max(largest, square(affine_radius(norms, frobenius_norm(bias), radius)).scaled(-1));
            continue;
        }
        largest = max(largest,
                      side_of(head.query, weights.query_norm, radius, where).radius *
                          side_of(head.key, weights.key_norm, radius, where).radius);
    }
    return weights.score_scale * largest;
}

}  // namespace lipcert
