#include "lipcert/capping/cap_matrix.hpp"

#include "lipcert/error.hpp"

#include <limits>

#include "capping/by_scaling.hpp"
#include "capping/by_spectrum.hpp"
#include "capping/job.hpp"
#include "capping/spectral_map.hpp"

namespace lipcert {

std::string_view name_of(CapMethod method) {
    switch (method) {
        case CapMethod::normalize:
            return "normalize";
        case CapMethod::hard_cap:
            return "hard-cap";
        case CapMethod::soft_cap:
            return "soft-cap";
        case CapMethod::hammer:
            return "hammer";
        case CapMethod::weight_decay:
            return "weight-decay";
        case CapMethod::spectral_decay:
            return "spectral-decay";
        case CapMethod::orthogonalize:
            return "orthogonalize";
    }
    return "unknown";
}

namespace {

using namespace capping;

/// A decay that is not asked to reach the limit acts below it too, and so does orthogonalize,
/// unless there is no limit to go to.
bool acts_within_limit(const CapRequest& request) {
    switch (request.method) {
        case CapMethod::orthogonalize:
            return request.limit < std::numeric_limits<double>::max();
        case CapMethod::weight_decay:
        case CapMethod::spectral_decay:
            return !request.until_limit;
        case CapMethod::normalize:
        case CapMethod::hard_cap:
        case CapMethod::soft_cap:
        case CapMethod::hammer:
            break;
    }
    return false;
}

CapResult apply(const Job& job) {
    const double ratio = job.part_of_norm(job.aimed_limit);
    const CapRequest& request = job.request;
    switch (request.method) {
        case CapMethod::normalize:
            return normalize(job);
        case CapMethod::hard_cap:
        case CapMethod::hammer:  // one value after the other, until none is left above: the same
            return map_spectrum(job, hard_cap(ratio));
        case CapMethod::soft_cap:
            return map_spectrum(job, soft_cap(ratio));
        case CapMethod::weight_decay:
            return weight_decay(job);
        case CapMethod::spectral_decay:
            return request.until_limit ? map_spectrum(job, decay_until_limit(ratio, request.decay))
                                       : spectral_decay(job);
        case CapMethod::orthogonalize:
            return orthogonalize(job);
    }
    throw Error(ErrorKind::internal, "", "an unknown capping method");
}

}  // namespace

CapResult cap_matrix(const Matrix& matrix, const SpectralNorm& norm, const CapRequest& request) {
    const Job job = make_job(matrix, norm, request);
    const bool is_zero = norm.spectral.upper().is_zero();
    if (is_zero ||
        (is_within(norm.spectral.upper(), request.limit) && !acts_within_limit(request))) {
        return unchanged(job);
    }
    return apply(job);
}

}  // namespace lipcert
