#include "norms/deflation.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/freivalds.hpp"
#include "norms/projection.hpp"
#include "norms/ritz_correction.hpp"
#include "norms/start_vectors.hpp"
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

namespace lipcert {

namespace {

using Index = Eigen::Index;

/// Directions that are treated in float64 at the most.
constexpr Index kMostDirections = kLeadingPairs - 1;
/// Below which part of the top the rest is to be kept. What the rest is worse by costs a part
/// |R|^2/(top - rest) of the square, R the residual: little.
constexpr double kCeiling = 0.995;

/// About how many products two vectors need together until one of them shows an eigenvalue at the
/// top beside a `rest` that is this part of it: its share 1/n of a random vector's square grows by
/// that of a Chebyshev polynomial.
Index products_to_see(Index size, double rest) {
    constexpr double kLeast = 2.0;
    constexpr double kMost = 6.0;
    const double growth = std::acosh(std::max(2.0 / std::max(rest, 0x1p-20) - 1.0, 1.0 + 0x1p-20));
    const double each = std::acosh(std::sqrt(static_cast<double>(size))) / growth;
    return 2 * static_cast<Index>(std::clamp(std::ceil(each), kLeast, kMost));
}

/// The first `count` Ritz vectors, the best of them made better where Lanczos left it rough.
Matrix directions(const SmallerSide& side,
                  const CrudeGram& gram,
                  const RitzPairs& pairs,
                  Index count) {
    Matrix result = pairs.vectors.leftCols(count);
    if (!pairs.has_good_top()) {
        result.col(0) = sharpened_top(
            gram.lower, pairs, [&side](const Matrix& vectors) { return side.images(vectors).z; });
    }
    return result;
}

/// The products against each other: the last column of V is a vector x of +-1.
void require_images(const SmallerSide& side, const Images& images, double frobenius) {
    // x^T Z_j = x^T W^T Y_j = (W x)^T Y_j, and W x is the last column of Y.
    const Index last = images.v.cols() - 1;
    const Vector ours = images.z.transpose() * images.v.col(last);
    const Vector theirs = images.y.transpose() * images.y.col(last);
    // Rounding of W x, of Z_j and of the two sums: gamma |x| |W|_F |Y_j| each, with |x|^2 = n.
    const auto terms = static_cast<std::size_t>(side.size() + side.inner() + 2);
    const double relative =
        5.0 * gamma(terms).to_double() * std::sqrt(static_cast<double>(side.size())) * frobenius;
    for (Index j = 0; j <= last; ++j) {
        const double allowed = relative * images.y.col(j).norm() + SmallerSide::kUnderflow;
        if (!(std::abs(ours(j) - theirs(j)) <= allowed)) {  // a NaN must fail too
            freivalds::distrust("an image of the matrix", j);
        }
    }
}

}  // namespace

DeflationPlan plan_deflation(const CrudeGram& gram, const RitzPairs& pairs) {
    constexpr double kMuchRoom = 0.1;
    constexpr double kLeastRoom = 0.012;
    constexpr double kResolved = 2e-3;  // a Ritz pair with such a residual hides no other
    const double top = pairs.values(0);
    const double blur = gram.error.to_double() / top;
    const Index most = std::min<Index>(kMostDirections, pairs.values.size() - 1);
    DeflationPlan best;
    double largest_room = kLeastRoom;
    double hidden = 0.0;
    for (Index k = 1; k <= most && largest_room < kMuchRoom; ++k) {
        const double value = pairs.values(k - 1) / top;
        const double residual = pairs.residuals(k - 1) / top;
        if (residual > kResolved) {
            hidden = std::max(hidden, value + residual);
        }
        const double rest = std::max(hidden, (pairs.values(k) + pairs.residuals(k)) / top);
        // As much again for the factorisation.
        const double room = kCeiling - rest - 2.0 * blur;
        // [S9] What a direction's residual adds to its value must not lift it over the top.
        const double gap = 1.0 - rest - kShareOfRoom * std::max(room, 0.0);
        if (residual * residual > 0.25 * (1.0 - value + 1e-9) * gap) {
            break;
        }
        if (room > largest_room) {
            best = {k, rest * top};
            largest_room = room;
        }
    }
    // Ritz values only rise.
    best.is_hopeless = pairs.values.size() > kMostDirections &&
                       kCeiling - pairs.values(kMostDirections) / top - 2.0 * blur < kLeastRoom;
    return best;
}

std::optional<RitzPairs> pairs_to_deflate(const CrudeGram& gram) {
    DeflationPlan before;
    return leading_ritz_pairs(gram.lower, [&](const RitzPairs& pairs) -> Search {
        if (!pairs.has_good_top()) {
            return {};
        }
        // From one vector only one of several equal eigenvalues is seen: another one must not find
        // more above what is taken for the rest.
        const DeflationPlan last = std::exchange(before, plan_deflation(gram, pairs));
        const Index k = last.directions;
        const bool is_confirmed = k > 0 && before.directions > 0 && pairs.values.size() > k &&
                                  pairs.values(k) <= last.rest;
        if (is_confirmed || before.is_hopeless) {
            return {.ends = true};
        }
        const Index needed = products_to_see(gram.lower.rows(), before.rest / pairs.values(0));
        return {.with_new_start = before.directions > 0 ? needed : 0};
    });
}

std::optional<Enclosure> deflated_norm(const SmallerSide& side,
                                       CrudeGram& gram,
                                       const RitzPairs& pairs,
                                       const DeflationPlan& plan) {
    const Index k = plan.directions;
    if (!(pairs.values.head(k).minCoeff() > 0.0)) {
        return std::nullopt;
    }
    Matrix vectors(side.size(), k + 1);
    vectors.leftCols(k) = directions(side, gram, pairs, k);
    vectors.col(k) = freivalds::signs(side.size()).col(0);
    const auto [y, z] = side.images(vectors);
    const double frobenius = sqrt(gram.sum_of_squares.upper()).to_double();
    require_images(side, {vectors, y, z}, frobenius);
    require_crude_gram(gram, side, vectors.col(k), z.col(k));

    const Images of_directions{vectors.leftCols(k), y.leftCols(k), z.leftCols(k)};
    const Projection p = project(side, of_directions, frobenius);
    if (!(p.s.diagonal().minCoeff() >= 0.5 && p.s.diagonal().maxCoeff() <= 2.0)) {
        return std::nullopt;  // the underflow terms are for directions of length about 1
    }
    const double top = p.h.diagonal().maxCoeff();
    const Upper rest =
        bound_of_rest(gram, of_directions.v, pairs.values.head(k), plan.rest, kCeiling * top);
    const double beta = rest.to_double();
    const double level = lowest_level(p, beta);
    if (!std::isfinite(level)) {
        return std::nullopt;
    }
    return Enclosure(quotient_of_top(p), sqrt(Upper::exact(level)));
}

bool may_have_gap(const SmallerSide& side) {
    // One step of subspace iteration on some of the rows. More random directions than
    // mostly stand out all end up at about the same Rayleigh quotient where no eigenvalue stands
    // out: of Gaussian matrices from .7 of the largest on at 768 columns, from .85 on at 4096.
    constexpr Index kDirections = 16;
    constexpr Index kLarge = 2048;
    const double crowded = side.size() < kLarge ? 0.65 : 0.75;
    if (side.size() < 4 * kDirections) {
        return true;
    }
    const Index some = std::max(side.size() / 2, std::min(side.inner() / 2, 2 * side.size()));
    const SmallerSide sample = side.sample(some);
    const Matrix start = estimate::StartVectors(4).next(kDirections, side.size()).transpose();
    const Matrix image = sample.images(start).z;
    if (!image.allFinite()) {
        return true;
    }
    const Matrix basis = Eigen::HouseholderQR<Matrix>(image).householderQ() *
                         Matrix::Identity(image.rows(), image.cols());
    const Matrix last = sample.image(basis);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> ritz(last.transpose() * last,
                                                              Eigen::EigenvaluesOnly);
    return !(ritz.eigenvalues()(0) > crowded * ritz.eigenvalues()(kDirections - 1));
}

}  // namespace lipcert
