#pragma once

#include "lipcert/capping/cap_matrix.hpp"

#include "capping/precision.hpp"

namespace lipcert::capping {

/// One matrix W that is to be capped, with what all methods ask about it.
struct Job {
    const Matrix& stored;
    const SpectralNorm& norm;
    const CapRequest& request;
    StoredPrecision precision;
    /// The units of methods: |2^-exponent W|_2 is at least about 1/4, and at most 1, as every
    /// entry.
    long exponent = 0;
    /// Somewhat below the limit: an enclosure of width 1e-8 that begins here ends below the limit,
    /// so that a result which is read back and enclosed anew is still certified.
    double settled_limit = 0.0;
    /// What methods aim at: the rounding of the result is expected to lift its norm to at most
    /// `settled_limit`. A guess.
    double aimed_limit = 0.0;

    /// |W|_2 in units of 2^exponent.
    [[nodiscard]] Enclosure scaled_norm() const { return norm.spectral.scaled(-exponent); }

    /// limit / |W|_2 for a limit in stored units: at least 2^-1000, below which it makes no
    /// difference.
    [[nodiscard]] double part_of_norm(double limit) const;
};

/// Throws Error{internal} for a request outside its domain.
[[nodiscard]] Job make_job(const Matrix& matrix,
                           const SpectralNorm& norm,
                           const CapRequest& request);

/// "W is certified to be within the limit".
[[nodiscard]] bool is_within(const Upper& upper, double limit);

/// The result of leaving W as it is.
[[nodiscard]] CapResult unchanged(const Job& job);

}  // namespace lipcert::capping
