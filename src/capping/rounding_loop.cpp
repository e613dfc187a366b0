#include "capping/rounding_loop.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "norms/scaling.hpp"
#include <fmt/format.h>

namespace lipcert::capping {

namespace {

constexpr int kRounds = 3;
constexpr double kNearLimit = 0.97;  ///< the promise is "within 3 % below the limit"

[[noreturn]] void refuse(const Job& job, const std::string& found, const char* remedy) {
    throw UnreachableLimit("",
                           fmt::format("the capped matrix does not fit {}: {} (limit {:.6g}); {}",
                                       name_of(job.request.type),
                                       found,
                                       job.request.limit,
                                       remedy));
}

constexpr const char* kRaise = "raise the limit for this matrix, or exclude it";

}  // namespace

Scale Scale::simplified() const {
    constexpr long kSafe = 900;
    int of_factor = 0;
    const double mantissa = std::frexp(factor, &of_factor);
    const long total = exponent + of_factor;
    if (std::abs(total) > kSafe) {
        return {mantissa, total};
    }
    return {std::ldexp(mantissa, static_cast<int>(total)), 0};
}

SpectralNorm certify_afresh(const Matrix& stored, const Scale& scale) {
    static_cast<void>(scale);
    return spectral_norm(stored);
}

Rounded round_once(const Job& job, const Matrix& base, Scale scale, const Certifier& certify) {
    scale = scale.simplified();
    Matrix real = scale.factor * base;
    multiply_by_power_of_two(real, scale.exponent);
    const double largest = real.size() == 0 ? 0.0 : real.cwiseAbs().maxCoeff();
    if (!(largest <= job.precision.largest)) {
        refuse(job,
               fmt::format("an entry would have to be {:.4g}, its largest number is {:.6g}",
                           largest,
                           job.precision.largest),
               "choose a smaller limit, or another method");
    }
    StoredValues values = StoredValues::rounded(job.request.type, real);
    real = values.values();
    if (real.isZero(0.0) && !base.isZero(0.0)) {
        refuse(
            job, fmt::format("its largest entry, {:.4g}, would be rounded to 0", largest), kRaise);
    }
    SpectralNorm norm = certify(real, scale);
    return {std::move(values), std::move(real), std::move(norm), scale, 1.0};
}

Rounded round_within_limit(const Job& job,
                           const Matrix& base,
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
               kRaise);
    }
    return result;
}

void require_near_limit(const Job& job, const Rounded& result) {
    const Lower& lower = result.norm.spectral.lower();
    if (lower < Lower::exact(kNearLimit * job.request.limit)) {
        refuse(job,
               fmt::format("its numbers are so coarse that the norm comes out as {}",
                           lower.to_decimal(7)),
               kRaise);
    }
}

}  // namespace lipcert::capping
