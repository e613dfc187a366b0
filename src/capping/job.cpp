#include "capping/job.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace lipcert::capping {

namespace {

/// A little more than the relative width that spectral_norm() promises.
constexpr double kEnclosureWidth = 0x1p-26;

void require(bool holds, const char* condition) {
    if (!holds) {
        throw Error(ErrorKind::internal, "", std::string("cap request: expected ") + condition);
    }
}

/// The least even e with norm <= 2^e. No double need hold the norm, but one holds its square root.
long exponent_of(const Upper& norm) {
    int of_root = 0;
    std::frexp(sqrt(norm).to_double(), &of_root);
    return 2L * of_root;
}

/// By how much the rounding of a capped W is expected to lift its norm, as a part of the limit: the
/// norm of a random matrix whose entries are the rounding errors. No bound; the result is
/// certified, and shrunk where this was too little.
double expected_rounding(const Job& job) {
    const auto rows = static_cast<double>(job.stored.rows());
    const auto cols = static_cast<double>(job.stored.cols());
    const double limit = job.request.limit;
    const double relative_frobenius =
        std::min((job.norm.frobenius.upper() / Lower::exact(limit)).to_double(),
                 std::sqrt(std::min(rows, cols)));
    const double normal = 0.5 * job.precision.unit_roundoff * relative_frobenius *
                          (1.0 / std::sqrt(rows) + 1.0 / std::sqrt(cols));
    const double subnormal = 0.6 * job.precision.half_step * (std::sqrt(rows) + std::sqrt(cols));
    constexpr double kMost = 0.01;
    return std::min(normal + subnormal / limit, kMost);
}

}  // namespace

double Job::part_of_norm(double limit) const {
    constexpr double kSmallest = 0x1p-1000;
    const Upper& upper = norm.spectral.upper();
    return upper.is_zero() ? 1.0 : std::max((Lower::exact(limit) / upper).to_double(), kSmallest);
}

Job make_job(const Matrix& matrix, const SpectralNorm& norm, const CapRequest& request) {
    require(request.limit > 0.0 && std::isfinite(request.limit), "a positive, finite limit");
    require(request.decay > 0.0 && request.decay < 1.0, "a decay between 0 and 1");
    require(norm.spectral.upper().is_finite(), "a matrix of bounded norm");
    Job job{matrix,
            norm,
            request,
            precision_of(request.type),
            exponent_of(norm.spectral.upper()),
            request.limit * (1.0 - kEnclosureWidth),
            0.0};
    job.aimed_limit =
        matrix.size() == 0 ? job.settled_limit : job.settled_limit * (1.0 - expected_rounding(job));
    return job;
}

bool is_within(const Upper& upper, double limit) {
    return proves_at_most(upper, Lower::exact(limit));
}

CapResult unchanged(const Job& job) {
    CapResult result;
    result.before = job.norm;
    result.after = job.norm;
    result.within_limit = is_within(job.norm.spectral.upper(), job.request.limit);
    return result;
}

}  // namespace lipcert::capping
