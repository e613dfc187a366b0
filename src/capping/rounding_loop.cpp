#include "capping/rounding_loop.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "capping/refusal.hpp"
#include "norms/large_matrix.hpp"
#include "norms/scaling.hpp"
#include <fmt/format.h>

namespace lipcert::capping {

namespace {

constexpr int kRounds = 3;
constexpr double kNearLimit = 0.97;  ///< the promise is "within 3 % below the limit"

}  // namespace

void refuse(const Job& job, const std::string& found, const char* remedy) {
    throw UnreachableLimit("",
                           fmt::format("the capped matrix does not fit {}: {} (limit {:.6g}); {}",
                                       name_of(job.request.type),
                                       found,
                                       job.request.limit,
                                       remedy));
}

SpectralNorm certify_afresh(const StoredMultiple& stored) {
    return spectral_norm(stored.matrix());
}

Scale scale_to_limit(const Job& job, double limit) {
    // A factor near 1 and a power of two: both may be as large or small as doubles get.
    int of_limit = 0;
    const double mantissa = std::frexp(limit, &of_limit);
    return {(Lower::exact(mantissa) / job.scaled_norm().upper()).to_double(),
            of_limit - job.exponent};
}

SpectralNorm norm_about(const Matrix& matrix,
                        const LevelGuess& guess,
                        const Vector& direction,
                        const GramVisitor& look_at) {
    const int exponent = largest_exponent(matrix).value_or(0);
    const std::optional<SpectralNorm> norm =
        norm_at_level(matrix, exponent, guess, direction, [&](const Gram& gram) {
            if (look_at) {
                look_at(gram, exponent);
            }
        });
    return norm ? *norm : spectral_norm(matrix);
}

SpectralNorm certify_at_limit(const Job& job,
                              const StoredMultiple& stored,
                              const Vector& direction,
                              double expected,
                              const GramVisitor& look_at) {
    if (!is_fine(job) || direction.size() == 0) {
        return certify_afresh(stored);
    }
    Matrix matrix = stored.matrix();
    SpectralNorm norm = norm_about(matrix, {job.settled_limit, expected}, direction, look_at);
    recycle(std::move(matrix));
    return norm;
}

bool is_fine(const Job& job) {
    constexpr double kFine = 0x1p-20;
    return job.settled_limit * (1.0 - kFine) <= job.aimed_limit;
}

Rounded round_once(const Job& job, const ScaledView& base, Scale scale, const Certifier& certify) {
    scale = scale.simplified();
    StoredMultiple stored = store_multiple(job, base, scale);
    if (stored.is_zero() && !base.matrix.isZero(0.0)) {
        refuse(job, "every entry would be rounded to 0", kRaiseLimit);
    }
    SpectralNorm norm = certify(stored);
    return {std::move(stored), std::move(norm), scale, 1.0};
}

Rounded round_within_limit(const Job& job,
                           const ScaledView& base,
                           Scale scale,
                           const Certifier& certify) {
    Rounded result = round_once(job, base, scale, certify);
    double shrunk = 1.0;
    for (int round = 1;
         round < kRounds && !is_within(result.norm.spectral.upper(), job.settled_limit);
         ++round) {
        // A factor that may be rounded in any way: the next round certifies what came of it.
        const double excess =
            (Lower::exact(job.settled_limit) / result.norm.spectral.upper()).to_double();
        shrunk *= excess * (1.0 - 2.0 * job.precision.unit_roundoff);
        result = round_once(job, base, {scale.factor * shrunk, scale.exponent}, certify);
    }
    result.shrunk = shrunk;
    if (!is_within(result.norm.spectral.upper(), job.request.limit)) {
        refuse(job,
               fmt::format("after {} roundings its norm is still only proved to be at most {}",
                           kRounds,
                           result.norm.spectral.upper().to_decimal(7)),
               kRaiseLimit);
    }
    return result;
}

void require_near_limit(const Job& job, const Rounded& result) {
    const Lower& lower = result.norm.spectral.lower();
    if (lower < Lower::exact(kNearLimit * job.request.limit)) {
        refuse(job,
               fmt::format("its numbers are so coarse that the norm comes out as {}",
                           lower.to_decimal(7)),
               kRaiseLimit);
    }
}

CapResult report(const Job& job, Rounded rounded, const Upper& spectral_change) {
    CapResult result;
    result.before = job.norm;
    result.after = std::move(rounded.norm);
    result.within_limit = is_within(result.after.spectral.upper(), job.request.limit);
    result.relative_spectral_change = spectral_change / job.norm.spectral.lower();
    result.relative_frobenius_change = quotient(rounded.stored.change, job.norm.frobenius);
    result.values = std::move(rounded.stored.values);
    return result;
}

void set_change_over_least(const Job& job, const Lower& least, CapResult& result) {
    if (result.within_limit && !least.is_zero()) {
        result.change_over_least =
            result.relative_frobenius_change.upper() * job.norm.frobenius.upper() / least;
    }
}

}  // namespace lipcert::capping
