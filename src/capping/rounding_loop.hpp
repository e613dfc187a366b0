#pragma once

#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <functional>

#include "capping/job.hpp"

namespace lipcert::capping {

/// factor * 2^exponent: a positive number that may leave the range of doubles.
struct Scale {
    double factor = 1.0;
    long exponent = 0;

    /// The same with exponent 0 where that is far from over- and underflow.
    [[nodiscard]] Scale simplified() const;

    [[nodiscard]] BigFloat value() const { return BigFloat(factor).scaled(exponent, Rounding::up); }
};

/// Values in the stored type with their norm, which is that of the stored values.
struct Rounded {
    StoredValues values;
    Matrix matrix;  ///< the same as doubles
    SpectralNorm norm;
    Scale scale;          ///< what the base was multiplied by before it was rounded
    double shrunk = 1.0;  ///< by how much it was multiplied because the norm was too large
};

/// Encloses the norms of stored values that came from rounding scale * base.
using Certifier = std::function<SpectralNorm(const Matrix& stored, const Scale& scale)>;

/// The default Certifier: forgets where the values came from.
[[nodiscard]] SpectralNorm certify_afresh(const Matrix& stored, const Scale& scale);

/// scale * base in the type of the request. Throws UnreachableLimit where an entry is too large for
/// the type, or where every entry of a base that is not zero becomes zero.
[[nodiscard]] Rounded round_once(const Job& job,
                                 const Matrix& base,
                                 Scale scale,
                                 const Certifier& certify);

/// The same, and where the norm is not certified to be within the limit, shrunk by limit/norm and
/// rounded again, three rounds in all. What is returned is certified to be within the limit; throws
/// UnreachableLimit where it cannot be.
[[nodiscard]] Rounded round_within_limit(const Job& job,
                                         const Matrix& base,
                                         Scale scale,
                                         const Certifier& certify);

/// Throws UnreachableLimit unless the norm is certified to be at least 0.97 limit: the type is too
/// coarse for so small a limit.
void require_near_limit(const Job& job, const Rounded& result);

}  // namespace lipcert::capping
