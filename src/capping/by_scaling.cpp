#include "capping/by_scaling.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "capping/change.hpp"
#include "capping/rounding_loop.hpp"

namespace lipcert::capping {

namespace {

/// The widest relative distance between the stored values and the multiple of W that they stand
/// for with which the norm of W is carried over instead of being enclosed afresh.
constexpr double kCarriedWidth = 0x1p-16;

/// [K2] | |Y|_2 - s |W|_2 | <= |Y - s W|_F.
SpectralNorm norm_of_multiple(const Job& job, const StoredMultiple& stored) {
    const Enclosure norm = job.scaled_norm();
    const Enclosure multiple = Enclosure(norm.lower() * Lower::exact(stored.factor),
                                         norm.upper() * Upper::exact(stored.factor))
                                   .scaled(stored.exponent);
    const Upper& departure = stored.departure.upper();
    if (!proves_at_most(departure, multiple.lower() * Lower::exact(kCarriedWidth))) {
        return certify_afresh(stored);
    }
    SpectralNorm result;
    result.method = job.norm.method;
    result.spectral = Enclosure(multiple.lower() - departure, multiple.upper() + departure);
    result.frobenius = stored.frobenius;
    return result;
}

/// Rounds multiples of W.
class Multiples {
public:
    explicit Multiples(const Job& job) : job_(job), base_{job.stored, job.exponent} {}

    [[nodiscard]] CapResult once(const Scale& scale) {
        return report(round_once(job_, base_, scale, certifier()));
    }

    [[nodiscard]] CapResult within_limit(const Scale& scale, bool reaches_limit) {
        Rounded rounded = round_within_limit(job_, base_, scale, certifier());
        if (reaches_limit) {
            require_near_limit(job_, rounded);
        }
        return report(std::move(rounded));
    }

private:
    [[nodiscard]] Certifier certifier() {
        return [this](const StoredMultiple& stored) { return norm_of_multiple(job_, stored); };
    }

    [[nodiscard]] CapResult report(Rounded rounded) const {
        // W - Y = (1 - s) W + (s W - Y), s < 1
        const Upper shortfall =
            Upper::of(subtract(BigFloat(1.0), rounded.scale.value(), Rounding::up));
        const Upper spectral = spectral_change(
            job_,
            rounded.stored,
            {shortfall * job_.norm.spectral.upper(), rounded.stored.departure.upper()});
        const Upper change = rounded.stored.change.upper();
        CapResult result = capping::report(job_, std::move(rounded), spectral);
        const auto smaller_side =
            static_cast<std::size_t>(std::min(job_.stored.rows(), job_.stored.cols()));
        // [K4] with Z = u_1 v_1^T, and with Z = W.
        const Upper limit = Upper::exact(job_.request.limit);
        const Lower least =
            max(job_.norm.spectral.lower() - limit,
                job_.norm.frobenius.lower() - limit * sqrt(Upper::of_count(smaller_side)));
        if (result.within_limit && !least.is_zero()) {
            result.change_over_least = change / least;
        }
        result.moved = smaller_side;
        return result;
    }

    const Job& job_;
    ScaledView base_;
};

/// (1 - decay)^count without underflow.
Scale decayed(double decay, double count) {
    const double bits = count * std::log1p(-decay) / std::log(2.0);
    const double whole = std::floor(bits);
    return {std::exp2(bits - whole), static_cast<long>(whole)};
}

}  // namespace

CapResult normalize(const Job& job) {
    // Where the rounding of one entry is so small that the norm of W can be carried over, the aim
    // leaves room for all of it, so that the first round ends below the limit.
    const auto entries = static_cast<double>(job.stored.size());
    const double most = job.precision.unit_roundoff *
                            (job.norm.frobenius.upper() / job.norm.spectral.lower()).to_double() +
                        job.precision.half_step * std::sqrt(entries) / job.request.limit;
    const bool is_carried = 4.0 * most <= kCarriedWidth;
    const double aim = is_carried ? job.settled_limit * (1.0 - most - 0x1p-40) : job.aimed_limit;
    return Multiples(job).within_limit(scale_to_limit(job, aim), true);
}

CapResult weight_decay(const Job& job) {
    const double decay = job.request.decay;
    if (!job.request.until_limit) {
        return Multiples(job).once({1.0 - decay, 0});
    }
    const double steps =
        std::ceil(std::log(job.part_of_norm(job.aimed_limit)) / std::log1p(-decay));
    return Multiples(job).within_limit(decayed(decay, std::max(steps, 1.0)), false);
}

}  // namespace lipcert::capping
