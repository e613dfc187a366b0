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

/// W - W M, or W - M W where W is wide, for a symmetric M: rounded in any way.
Matrix without(const Job& job, int exponent, const FloatMatrix& excess) {
    const Matrix& stored = job.stored;
    const bool is_wide = stored.rows() < stored.cols();
    const double to_unit = std::ldexp(1.0, -exponent);
    const double from_unit = std::ldexp(1.0, exponent);
    FloatMatrix part;
    resize_uninitialised(part, stored.rows(), stored.cols());
    for_each_row(stored.rows(), stored.cols(), [&](Index i) {
        part.row(i) = (to_unit * stored.row(i)).cast<float>();
    });
    if (is_wide) {
        part = transposed(part);
    }
    FloatMatrix product;
    estimate::SymmetricFactor factor;
    factor.assign(excess);
    factor.times_rows(part, product);
    recycle(std::move(part));
    if (is_wide) {
        product = transposed(product);
    }
    Matrix rest;
    resize_uninitialised(rest, stored.rows(), stored.cols());
    for_each_row(stored.rows(), stored.cols(), [&](Index i) {
        rest.row(i) = stored.row(i) - from_unit * product.row(i).cast<double>();
    });
    recycle(std::move(product));
    return rest;
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

Change change_of(const Job& job, const StoredMultiple& capped) {
    const Index cols = job.stored.cols();
    Change result;
    resize_uninitialised(result.matrix, job.stored.rows(), cols);
    for_each_row(job.stored.rows(), cols, [&](Index i) {
        auto row = result.matrix.row(i);
        capped.values.read(i * cols, {row.data(), static_cast<std::size_t>(cols)});
        row = job.stored.row(i) - row;
    });
    // Each entry w - y by at most U (|w| + |y|); differences do not underflow.
    result.rounding = unit_roundoff() * (job.norm.frobenius.upper() + capped.frobenius.upper());
    return result;
}

/// |W - Y|_2 from above, where it is expected to be |W|_2 - `limit`.
Upper norm_of_change(const Job& job,
                     const Change& change,
                     double limit,
                     const Vector& direction,
                     const GramVisitor& look_at) {
    constexpr double kMargin = 1.003;  // for float32
    const double expected = job.norm.spectral.upper().to_double() - limit;
    return norm_about(change.matrix, {kMargin * expected, expected}, direction, look_at)
               .spectral.upper() +
           change.rounding;
}

/// What there is above a limit a little below the one that is aimed at.
struct Above {
    double limit;
    estimate::Excess excess;
};

std::optional<Above> find_excess(const Job& job, int exponent, estimate::GramSpectrum& spectrum) {
    const double limit = std::ldexp(job.aimed_limit, -exponent);
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
    std::optional<estimate::Excess> excess = estimate::excess_above(*plan, spectrum);
    if (!excess) {
        return std::nullopt;
    }
    return Above{std::ldexp(aim, exponent), std::move(*excess)};
}

}  // namespace

std::optional<CapResult> hard_cap_by_products(const Job& job,
                                              int exponent,
                                              std::optional<estimate::GramSpectrum>& spectrum) {
    std::optional<Above> above = find_excess(job, exponent, *spectrum);
    if (!above) {
        return std::nullopt;
    }
    estimate::Excess& excess = above->excess;
    const auto moved = static_cast<std::size_t>(excess.count);
    const Vector direction = direction_above(excess.matrix);
    const ExcessWeights weights(excess.weights);
    recycle(std::move(excess.weights));
    ExcessWeights::Traces traces;
    {
        Gram gram = spectrum->gram();
        spectrum.reset();
        traces.of_matrix = weights.trace_with(gram, exponent).lower();
        recycle(std::move(gram.lower));
    }
    Matrix rest = without(job, exponent, excess.matrix);
    recycle(std::move(excess.matrix));
    Rounded rounded =
        round_within_limit(job, ScaledView::of(rest), {1.0, 0}, [&](const StoredMultiple& stored) {
            return certify_at_limit(
                job, stored, direction, above->limit, [&](const Gram& gram, long of_stored) {
                    traces.of_capped = weights.trace_with(gram, of_stored).lower();
                });
        });
    recycle(std::move(rest));
    if (rounded.shrunk < 1.0 - kMissed) {
        return std::nullopt;
    }
    require_near_limit(job, rounded);
    Change change = change_of(job, rounded.stored);
    const Upper spectral =
        norm_of_change(job, change, above->limit, direction, [&](const Gram& gram, long of_change) {
            const Upper computed = sqrt(weights.trace_with(gram, of_change).upper());
            traces.of_change = square(computed + weights.image_of(change.rounding));
        });
    recycle(std::move(change.matrix));

    CapResult result = report(job, std::move(rounded), spectral);
    result.moved = moved;
    set_change_over_least(
        job, weights.least_change(traces, Upper::exact(job.request.limit)), result);
    return result;
}

}  // namespace lipcert::capping
