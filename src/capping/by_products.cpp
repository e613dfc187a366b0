#include "capping/by_products.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <utility>

#include "capping/change.hpp"
#include "capping/least_change.hpp"
#include "capping/rounding_loop.hpp"
#include "norms/excess.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/sharp_sign.hpp"
#include "norms/start_vectors.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::capping {

namespace {

using Eigen::Index;

/// Smaller matrices are capped as fast by their singular vectors.
constexpr Index kSmallest = 512;
/// Fewer singular values above the limit, as a part of all, are found faster.
constexpr double kFewest = 0.3;
/// Beyond it float32 does not tell well what lies at the limit: |W|_2^2 as a multiple of limit^2.
constexpr double kHighest = 16.0;

/// W - W M for a symmetric M, in the memory of W.
MatrixBall without(MatrixBall tall, const FloatMatrix& excess) {
    estimate::SymmetricFactor factor;
    factor.assign(excess);
    FloatMatrix product;
    factor.times_rows(converted<FloatMatrix>(tall.centre()), product);
    const long exponent = tall.exponent();
    Matrix rest = std::move(tall).centre();
    for_each_row_range(rest.rows(), rest.cols(), [&](Index begin, Index end) {
        rest.middleRows(begin, end - begin) -=
            product.middleRows(begin, end - begin).cast<double>();
    });
    return MatrixBall::around(std::move(rest), exponent, Upper());
}

/// A direction of length 1 that the excess is large in: all of it is above the limit.
Vector direction_above(const FloatMatrix& excess) {
    const FloatMatrix start = estimate::StartVectors(9).next(1, excess.rows()).cast<float>();
    return (excess * start.transpose()).cast<double>().normalized();
}

/// W - Y, rounded entry by entry.
struct Change {
    Matrix matrix;
    Upper rounding;  ///< >= |matrix - (W - Y)|_F
};

Change change_of(const Job& job, const Matrix& capped, const Upper& norm_of_capped) {
    Change result;
    resize_uninitialised(result.matrix, capped.rows(), capped.cols());
    for_each_row_range(capped.rows(), capped.cols(), [&](Index begin, Index end) {
        result.matrix.middleRows(begin, end - begin) =
            job.stored.middleRows(begin, end - begin) - capped.middleRows(begin, end - begin);
    });
    // Each entry w - y by at most U (|w| + |y|); differences do not underflow.
    result.rounding = unit_roundoff() * (job.norm.frobenius.upper() + norm_of_capped);
    return result;
}

/// |W - Y|_2 from above, where it is expected to be |W|_2 - `limit`.
Upper norm_of_change(const Job& job,
                     const Change& change,
                     double limit,
                     const Vector& direction,
                     const GramVisitor& look_at) {
    constexpr double kMargin = 1.0002;
    const double expected = job.norm.spectral.upper().to_double() - limit;
    return norm_about(change.matrix, {kMargin * expected, expected}, direction, look_at)
               .spectral.upper() +
           change.rounding;
}

/// What there is above a limit a little below the one that is aimed at.
struct Above {
    double limit;
    estimate::Excess excess;
    Gram gram;  ///< of the tall matrix, in its units
};

std::optional<Above> find_excess(const Job& job,
                                 const Tall& tall,
                                 estimate::GramSpectrum& spectrum) {
    const auto units = static_cast<int>(tall.matrix.exponent());
    const double limit = std::ldexp(job.aimed_limit, -units);
    const estimate::SpectralDensity& density = spectrum.density();
    const double top = density.top() / (limit * limit);
    const auto size = static_cast<double>(spectrum.size());
    if (spectrum.size() < kSmallest || !is_fine(job) || !(top <= kHighest) ||
        density.count_above(limit * limit) < kFewest * size) {
        return std::nullopt;
    }
    const double aim = limit * (1.0 - estimate::expected_overshoot(top));
    const std::optional<estimate::SharpSignPlan> plan =
        estimate::plan_sharp_sign(density, spectrum.size(), aim * aim);
    if (!plan) {
        return std::nullopt;
    }
    Gram gram = spectrum.gram();
    gram.rest += tall.matrix.radius().scaled(-tall.matrix.exponent());
    std::optional<estimate::Excess> excess = estimate::excess_above(*plan, spectrum);
    if (!excess) {
        return std::nullopt;
    }
    return Above{std::ldexp(aim, units), std::move(*excess), std::move(gram)};
}

}  // namespace

std::optional<CapResult> hard_cap_by_products(const Job& job,
                                              Tall& tall,
                                              estimate::GramSpectrum& spectrum) {
    std::optional<Above> above = find_excess(job, tall, spectrum);
    if (!above) {
        return std::nullopt;
    }
    estimate::Excess& excess = above->excess;
    const auto moved = static_cast<std::size_t>(excess.count);
    const Vector direction = direction_above(excess.matrix);
    const long units = tall.matrix.exponent();
    MatrixBall rest = without(std::move(tall.matrix), excess.matrix);
    tall.matrix = {};
    if (tall.is_transposed) {
        rest = rest.transposed();
    }
    excess.matrix.resize(0, 0);  // memory for what follows
    const ExcessWeights weights(converted<Matrix>(excess.weights));
    excess.weights.resize(0, 0);

    ExcessWeights::Traces traces;
    traces.of_matrix = weights.trace_with(above->gram, units).lower();
    above->gram.lower.resize(0, 0);
    Rounded rounded = round_within_limit(
        job, {rest.centre(), 0}, {1.0, rest.exponent()}, [&](const StoredMultiple& stored) {
            return certify_at_limit(
                job, stored, direction, above->limit, [&](const Gram& gram, long exponent) {
                    traces.of_capped = weights.trace_with(gram, exponent).lower();
                });
        });
    rest = {};
    if (rounded.shrunk < 1.0 - kMissed) {
        return std::nullopt;
    }
    require_near_limit(job, rounded);
    const Change change = change_of(job, rounded.stored.matrix(), rounded.stored.frobenius.upper());
    const Upper spectral =
        norm_of_change(job, change, above->limit, direction, [&](const Gram& gram, long exponent) {
            const Upper computed = sqrt(weights.trace_with(gram, exponent).upper());
            traces.of_change = square(computed + weights.image_of(change.rounding));
        });

    CapResult result = report(job, std::move(rounded), spectral);
    result.moved = moved;
    set_change_over_least(
        job, weights.least_change(traces, Upper::exact(job.request.limit)), result);
    return result;
}

}  // namespace lipcert::capping
