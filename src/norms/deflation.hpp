#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <optional>

#include "norms/crude_gram.hpp"
#include "norms/krylov_space.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

/// A guess at what deflation can do.
struct DeflationPlan {
    Eigen::Index directions = 0;  ///< to be taken out; none where no rest is told from the top
    double rest = 0.0;            ///< about the largest eigenvalue that they leave
    bool is_hopeless = false;     ///< whatever else is found
};

[[nodiscard]] DeflationPlan plan_deflation(const CrudeGram& gram, const RitzPairs& pairs);

/// The leading Ritz pairs of a Gram matrix, as good as deflation needs them, or as good as the best
/// of them is a start for another way.
[[nodiscard]] std::optional<RitzPairs> pairs_to_deflate(const CrudeGram& gram);

/// Encloses |W'|_2 by deflation [S9]: a few leading directions are treated in float64, and of the
/// rest it only has to be shown, in float32, that it stays below them. Nothing where the spectrum
/// has no gap that float32 can see; then the certificate of [S3] is the way. `gram` is that of
/// `side` and is used up; `plan` has directions.
[[nodiscard]] std::optional<Enclosure> deflated_norm(const SmallerSide& side,
                                                     CrudeGram& gram,
                                                     const RitzPairs& pairs,
                                                     const DeflationPlan& plan);

/// A glance at W' by a few random vectors: false where its spectrum is most likely so crowded at
/// the top that deflation is not worth an attempt. A guess.
[[nodiscard]] bool may_have_gap(const SmallerSide& side);

/// Where [S8] tries its level: above what the estimate of the rest missed, below the ceiling.
inline constexpr double kShareOfRoom = 0.7;

/// [S8] Bounds z^T W'^T W' z / |z|^2 over all z orthogonal to the columns of `vectors`, of which
/// `weights` holds eigenvalue estimates (any positive numbers will do); +inf where nothing below
/// `ceiling` can be shown. `rest`: an estimate of what is bounded. `gram` is used up.
[[nodiscard]] Upper bound_of_rest(
    CrudeGram& gram, const Matrix& vectors, const Vector& weights, double rest, double ceiling);

}  // namespace lipcert
