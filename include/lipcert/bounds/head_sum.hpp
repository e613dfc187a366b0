#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/norms/matrix_ball.hpp"

#include <vector>

namespace lipcert {

/// Positive weights c_h = root_h^2 of a weighted sum over heads [R20]. Any will do: they decide how
/// sharp a bound is, never whether it holds [R0].
struct HeadWeights {
    std::vector<double> roots;
    std::vector<double> inverse_roots;  ///< inverse_roots[h] * roots[h] >= 1, in exact arithmetic
};

/// c_h = gains[h] / norms[h], scaled so that the largest is 1 and kept away from 0.
[[nodiscard]] HeadWeights weights_for(const std::vector<Upper>& gains,
                                      const std::vector<Upper>& norms);

/// c_h = roots[h]^2 for roots in [0, 1], kept away from 0.
[[nodiscard]] HeadWeights weights_of_roots(const std::vector<double>& roots);

/// sqrt(lmax(sum_h c_h B_h B_h^T)) for d x d_h blocks B_h: the norm of [root_h B_h]_h [R20].
[[nodiscard]] Upper weighted_norm(const std::vector<MatrixBall>& blocks,
                                  const std::vector<double>& roots);

/// The root of the sum of the two largest eigenvalues of the same matrix: the largest
/// sqrt(|M^T e|^2 + |M^T w|^2) over orthogonal unit vectors e, w for M = [root_h B_h]_h [R40].
[[nodiscard]] Upper weighted_pair_norm(const std::vector<MatrixBall>& blocks,
                                       const std::vector<double>& roots);

/// How the value part a and the key part b of attention join.
enum class Joining {
    orthogonal,  ///< sqrt(a^2 + b^2): in the mean over the keys they are at right angles [R19]
    skewed,      ///< sqrt(a^2 + ab + b^2): not quite, behind a cap of the scores [R24]
    parallel     ///< a + b [R16] [R23]
};

/// Also for norms of lists a_h and b_h of which each pair joins so.
[[nodiscard]] Upper joined(const Upper& value, const Upper& key, Joining joining);

/// s in [0, 1] with a joined with k sqrt(a^2 + b^2) <= (1 joined with k) sqrt(a^2 + s^2 b^2) for
/// all a, b >= 0 and for every smaller k as well; from above [R24].
[[nodiscard]] Upper share_beside_values(const Upper& key, Joining joining);

/// sqrt(sum_h (gains[h] inverse_roots[h])^2), at least sqrt(sum_h gains[h]^2 / c_h) [R20].
[[nodiscard]] Upper weighted_gain(const std::vector<Upper>& gains, const HeadWeights& weights);

/// The value side of attention: |P_h^T u| <= |blocks[h]^T u| for every u, where P_h maps a token to
/// what head h adds to the output.
struct HeadSum {
    std::vector<MatrixBall> blocks;  ///< d_out x d_h
    std::vector<Upper> norms;        ///< at least |P_h|
    std::vector<MatrixBall> biases;  ///< Wo_h bv_h, what a value bias adds; d_out x 1
    /// Columns that count beside P_h where scores move, as a value bias does beside a sink [R24];
    /// empty: none.
    std::vector<MatrixBall> beside = {};
    Effort effort = Effort::standard;  ///< that goes into weights for the sum
};

/// sum_h gains[h] norms[h], norms[h] >= |P_h|: the head sum by the triangle inequality [R20].
[[nodiscard]] Upper plain_sum(const std::vector<Upper>& norms, const std::vector<Upper>& gains);

}  // namespace lipcert
