#include "capping/by_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "capping/by_products.hpp"
#include "capping/change.hpp"
#include "capping/least_change.hpp"
#include "capping/rounding_loop.hpp"
#include "capping/singular_vectors.hpp"
#include "capping/tall.hpp"
#include "norms/blas.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/paths.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert::capping {

namespace {

/// Below this part of the norm the difference W - Z cancels too many digits, and the Gram matrix
/// does not resolve the singular values at the limit: W is put together anew instead.
constexpr double kDeflated = 0x1p-7;
/// From more equal singular values at the top on, the enclosure of a norm has to find its way
/// around.
constexpr Eigen::Index kFewEqual = 1;

/// Right singular vectors V of the tall matrix A as columns, the image A V, and how long its
/// columns are as parts of |A|_2: the singular values.
struct Pairs {
    MatrixBall vectors;
    MatrixBall image;
    Vector parts;
};

/// How long each column is, as it was computed.
Vector lengths_of_columns(const Matrix& matrix) {
    Vector squares = Vector::Zero(matrix.cols());
    // Row by row, as they lie in memory.
    const auto operations = static_cast<double>(matrix.size());
    for_each_share(matrix.cols(), operations, [&](Eigen::Index begin, Eigen::Index end) {
        for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
            squares.segment(begin, end - begin) +=
                matrix.row(i).segment(begin, end - begin).cwiseAbs2().transpose();
        }
    });
    return squares.cwiseSqrt();
}

/// For vectors as rows.
Pairs pairs_of(const Job& job, const Tall& tall, const Matrix& vectors) {
    Pairs pairs;
    pairs.vectors = MatrixBall::of(transposed(vectors));
    pairs.image = product(tall.matrix, pairs.vectors);
    const double unit = std::ldexp(1.0, static_cast<int>(pairs.image.exponent() - job.exponent));
    const double norm = job.scaled_norm().upper().to_double();
    pairs.parts = lengths_of_columns(pairs.image.centre()) * (unit / norm);
    return pairs;
}

/// The pairs whose part exceeds `above`.
Pairs pairs_above(Pairs pairs, double above) {
    std::vector<Eigen::Index> kept;
    for (Eigen::Index i = 0; i < pairs.parts.size(); ++i) {
        if (pairs.parts(i) > above) {
            kept.push_back(i);
        }
    }
    if (static_cast<Eigen::Index>(kept.size()) == pairs.parts.size()) {
        return pairs;
    }
    Matrix vectors = pairs.vectors.centre()(Eigen::all, kept);
    Matrix image = pairs.image.centre()(Eigen::all, kept);
    return {MatrixBall::around(std::move(vectors), pairs.vectors.exponent(), Upper()),
            MatrixBall::around(std::move(image), pairs.image.exponent(), pairs.image.radius()),
            pairs.parts(kept)};
}

/// sum_i share(part_i) (A v_i) v_i^T.
LowRank low_rank(const Pairs& pairs, const std::function<double(double)>& share) {
    const Vector shares = pairs.parts.unaryExpr(share);
    const Matrix& image = pairs.image.centre();
    Matrix left;
    resize_uninitialised(left, image.rows(), image.cols());
    for_each_row_range(image.rows(), image.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        left.middleRows(begin, end - begin) =
            image.middleRows(begin, end - begin) * shares.asDiagonal();
    });
    return {MatrixBall::around(std::move(left), pairs.image.exponent(), Upper()), pairs.vectors};
}

/// [K4] with Z = `change`, the best one being sum (sigma_i - limit) u_i v_i^T.
void compare_with_least(const Job& job,
                        const LowRank& change,
                        const MatrixBall& image,
                        CapResult& result) {
    if (result.within_limit) {
        set_change_over_least(
            job, least_change(change, image, Upper::exact(job.request.limit)), result);
    }
}

/// What came of rounding W - Z.
struct Deflated {
    Rounded rounded;
    Upper lost;  ///< >= |W - Z - Y|_F
};

Deflated deflate(Tall tall,
                 const LowRank& z,
                 const std::function<Rounded(const ScaledView&, const Scale&)>& round) {
    MatrixBall rest = difference(std::move(tall.matrix), z.left(), z.right().transposed());
    if (tall.is_transposed) {
        rest = rest.transposed();
    }
    Rounded rounded = round({rest.centre(), 0}, {1.0, rest.exponent()});
    Upper lost = rounded.stored.departure.upper() + rest.radius();
    if (rounded.shrunk < 1.0) {
        const BigFloat shrunk = rounded.scale.value().scaled(-rest.exponent(), Rounding::down);
        lost += Upper::of(subtract(BigFloat(1.0), shrunk, Rounding::up)) * frobenius_norm(rest);
    }
    return {std::move(rounded), std::move(lost)};
}

/// The residual, as a part of the level, with which the squares of singular values at the level are
/// off by `accuracy`: a residual r couples what is capped to what lies a gap below, which lifts the
/// largest eigenvalue by r^2/gap.
double residual_for(double accuracy) {
    constexpr double kSmallestGap = 0x1p-6;
    return std::sqrt(accuracy * kSmallestGap);
}

/// Whether the stored numbers need not be scaled first.
bool has_usual_units(int exponent) {
    return std::abs(exponent) <= SmallerSide::kLargestExponent;
}

/// What a search begins with, where a full decomposition takes longer.
std::optional<estimate::GramSpectrum> spectrum_of(const Job& job, int exponent) {
    if (std::min(job.stored.rows(), job.stored.cols()) <= kSmall) {
        return std::nullopt;
    }
    return has_usual_units(exponent) ? estimate::GramSpectrum(job.stored, exponent)
                                     : estimate::GramSpectrum(Tall(job).matrix.centre(), 0);
}

/// Deflation: W - sum (1 - f(sigma_i)/sigma_i) (W v_i) v_i^T over the singular values that change.
CapResult lower_top_values(const Job& job, const SpectralMap& map) {
    const int exponent = largest_exponent(job.stored).value();
    std::optional<estimate::GramSpectrum> gram = spectrum_of(job, exponent);
    if (gram && map.is_flat_above && has_usual_units(exponent)) {
        if (std::optional<CapResult> result = hard_cap_by_products(job, exponent, gram)) {
            return std::move(*result);
        }
        if (!gram) {
            gram = spectrum_of(job, exponent);
        }
    }
    Tall tall(job);
    const double ratio = job.part_of_norm(job.aimed_limit);
    const auto attempt = [&](const SingularVectors& found, CapResult& result) {
        const Pairs pairs = pairs_above(pairs_of(job, tall, found.vectors), map.identity_below);
        const LowRank z = low_rank(pairs, [&](double part) {
            return 1.0 - map.part_of_limit(std::min(part, 1.0)) * ratio / part;
        });
        // Lanczos sees one of several equal values at a time.
        const bool is_certified_at_limit =
            map.reaches_limit && (found.is_crowded || pairs.parts.size() > kFewEqual);
        Vector top;
        if (pairs.parts.size() > 0) {
            top = pairs.vectors.centre().rightCols(1).normalized();
        }
        Deflated deflated =
            deflate(std::move(tall), z, [&](const ScaledView& base, const Scale& scale) {
                return round_within_limit(job, base, scale, [&](const StoredMultiple& stored) {
                    return is_certified_at_limit
                               ? certify_at_limit(job, stored, top, job.aimed_limit)
                               : certify_afresh(stored);
                });
            });
        if (!found.is_complete && deflated.rounded.shrunk < 1.0 - kMissed) {
            return false;
        }
        if (map.reaches_limit) {
            require_near_limit(job, deflated.rounded);
        }
        const Upper change =
            spectral_change(job, deflated.rounded.stored, {z.spectral_norm(), deflated.lost});
        result = report(job, std::move(deflated.rounded), change);
        result.moved = static_cast<std::size_t>(pairs.parts.size());
        compare_with_least(job, z, pairs.image, result);
        return true;
    };
    const Wanted wanted{map.identity_below * tall.norm(job),
                        residual_for(std::max(job.precision.unit_roundoff * 0x1p-4, 0x1p-44))};
    CapResult result;
    if (!attempt(singular_vectors_above(tall.matrix.centre(), std::move(gram), wanted), result)) {
        tall = Tall(job);  // the first attempt took its memory
        attempt(all_singular_vectors_above(tall.matrix.centre(), wanted.above), result);
    }
    return result;
}

/// The part of the norm below which a singular value counts as zero: rounding could change it by
/// more than a percent or two.
double hidden_by_rounding(const Pairs& pairs) {
    return static_cast<double>(pairs.image.rows()) * 0x1p-48;
}

/// sum_i f(sigma_i)/sigma_i (W v_i) v_i^T in parts of the limit, over all singular vectors. Values
/// that rounding hides stay in proportion where the map leaves small values alone, and else vanish.
Matrix rebuilt(const Job& job, const SpectralMap& map, const Pairs& pairs) {
    const double hidden = hidden_by_rounding(pairs);
    const double gain_at_zero = map.identity_below >= hidden
                                    ? map.part_of_limit(map.identity_below) / map.identity_below
                                    : 0.0;
    const double smallest = std::max(hidden, map.identity_below);
    Vector gains = pairs.parts.unaryExpr([&](double part) {
        return part > smallest ? map.part_of_limit(std::min(part, 1.0)) / part : gain_at_zero;
    });
    // W v_i in parts of the norm: the image is in units of 2^exponent, v_i perhaps scaled up.
    const long units = pairs.image.exponent() - job.exponent + pairs.vectors.exponent();
    gains *= std::ldexp(1.0, static_cast<int>(units)) / job.scaled_norm().upper().to_double();
    return blas::multiply(pairs.image.centre() * gains.asDiagonal(),
                          pairs.vectors.centre().transpose());
}

CapResult rebuild(const Job& job, const SpectralMap& map, const Tall& tall, const Pairs& pairs) {
    Matrix base = rebuilt(job, map, pairs);
    if (tall.is_transposed) {
        base = Matrix(base.transpose());
    }
    Rounded rounded =
        round_within_limit(job, ScaledView::of(base), {job.aimed_limit, 0}, certify_afresh);
    if (map.reaches_limit) {
        require_near_limit(job, rounded);
    }
    const Upper change = spectral_distance(job.stored, rounded.stored.matrix());
    CapResult result = report(job, std::move(rounded), change);
    const double limit = job.part_of_norm(job.request.limit);
    const Pairs above = pairs_above(pairs, limit);
    if (above.parts.size() > 0) {
        const LowRank excess = low_rank(above, [&](double part) { return 1.0 - limit / part; });
        compare_with_least(job, excess, above.image, result);
    }
    return result;
}

/// Singular vectors for the whole spectrum, good for values down to a part of the norm.
Pairs all_pairs(const Job& job, const Tall& tall, double resolved_part) {
    const double resolved = resolved_part * tall.norm(job);
    return pairs_of(job, tall, graded_singular_vectors(tall.matrix.centre(), resolved).vectors);
}

std::size_t count_above(const Pairs& pairs, double part) {
    return static_cast<std::size_t>((pairs.parts.array() > part).count());
}

/// Every singular value within 3 % below the limit, or hidden by the rounding of the stored type.
bool is_orthogonal(const Job& job, const Pairs& pairs) {
    constexpr double kNear = 0.97;
    const double ratio = job.part_of_norm(job.request.limit);
    const double frobenius = (job.norm.frobenius.upper() / job.norm.spectral.lower()).to_double();
    const double hidden =
        std::max(2.0 * job.precision.unit_roundoff * frobenius, hidden_by_rounding(pairs));
    return std::all_of(pairs.parts.begin(), pairs.parts.end(), [&](double part) {
        return part >= kNear * ratio || part <= hidden;
    });
}

}  // namespace

CapResult map_spectrum(const Job& job, const SpectralMap& map) {
    if (map.identity_below >= kDeflated) {
        return lower_top_values(job, map);
    }
    const Tall tall(job);
    const Pairs pairs = all_pairs(job, tall, map.identity_below);
    CapResult result = rebuild(job, map, tall, pairs);
    result.moved = count_above(pairs, map.identity_below);
    return result;
}

CapResult orthogonalize(const Job& job) {
    const Tall tall(job);
    const Pairs pairs = all_pairs(job, tall, 0.0);
    if (is_within(job.norm.spectral.upper(), job.request.limit) && is_orthogonal(job, pairs)) {
        return unchanged(job);
    }
    CapResult result = rebuild(job, orthogonal(), tall, pairs);
    if (result.values->values() == job.stored) {
        return unchanged(job);
    }
    result.moved = count_above(pairs, job.part_of_norm(job.request.limit));
    return result;
}

CapResult spectral_decay(const Job& job) {
    Tall tall(job);
    const Pairs pairs = pairs_of(job, tall, top_singular_vector(tall.matrix.centre()));
    const LowRank z = low_rank(pairs, [&](double) { return job.request.decay; });
    Deflated deflated =
        deflate(std::move(tall), z, [&](const ScaledView& base, const Scale& scale) {
            return round_once(job, base, scale, certify_afresh);
        });
    const Upper change =
        spectral_change(job, deflated.rounded.stored, {z.spectral_norm(), deflated.lost});
    CapResult result = report(job, std::move(deflated.rounded), change);
    result.moved = 1;
    compare_with_least(job, z, pairs.image, result);
    return result;
}

}  // namespace lipcert::capping
