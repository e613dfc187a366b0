#pragma once

#include "lipcert/norms/spectral_norm.hpp"

#include <functional>

#include "capping/job.hpp"
#include "capping/stored_multiple.hpp"
#include "norms/gram.hpp"
#include "norms/paths.hpp"

namespace lipcert::capping {

/// A stored multiple with its norm, which is that of the stored values.
struct Rounded {
    StoredMultiple stored;
    SpectralNorm norm;
    Scale scale;          ///< what the base was multiplied by before it was rounded
    double shrunk = 1.0;  ///< by how much it was multiplied because the norm was too large
};

/// The first rounding aims low enough. A result that still had to be shrunk by more than this
/// means that the search for what exceeds the limit missed something.
inline constexpr double kMissed = 0x1p-10;

/// Encloses the norm of stored values.
using Certifier = std::function<SpectralNorm(const StoredMultiple& stored)>;

/// The default Certifier: forgets where the values came from.
[[nodiscard]] SpectralNorm certify_afresh(const StoredMultiple& stored);

/// limit/|W|_2, rounded down, W not zero.
[[nodiscard]] Scale scale_to_limit(const Job& job, double limit);

/// Whether numbers of the type are so fine that a norm which rounding lifts stays close to the
/// limit.
[[nodiscard]] bool is_fine(const Job& job);

/// Is shown the Gram matrix of the smaller side of 2^-exponent times a matrix, and the exponent.
using GramVisitor = std::function<void(const Gram& gram, long exponent)>;

/// |matrix|_2 by one factorisation where it is as guessed, else as usual. `direction`, of length 1,
/// is one of the smaller side that it shows in.
[[nodiscard]] SpectralNorm norm_about(const Matrix& matrix,
                                      const LevelGuess& guess,
                                      const Vector& direction,
                                      const GramVisitor& look_at = {});

/// A Certifier where many singular values lie at the limit: whoever looks for their largest one
/// finds little, and one factorisation at the limit says what has to be known. `direction`, of
/// length 1, is one of the smaller side that the norm, about `expected`, shows in; empty where
/// there is none. `look_at` is called where the type is fine and there is a direction.
[[nodiscard]] SpectralNorm certify_at_limit(const Job& job,
                                            const StoredMultiple& stored,
                                            const Vector& direction,
                                            double expected,
                                            const GramVisitor& look_at = {});

/// scale * base in the type of the request. Throws UnreachableLimit where an entry is too large for
/// the type, or where every entry of a base that is not zero becomes zero.
[[nodiscard]] Rounded round_once(const Job& job,
                                 const ScaledView& base,
                                 Scale scale,
                                 const Certifier& certify);

/// The same, and where the norm is not certified to be within the limit, shrunk by limit/norm and
/// rounded again, three rounds in all. What is returned is certified to be within the limit; throws
/// UnreachableLimit where it cannot be.
[[nodiscard]] Rounded round_within_limit(const Job& job,
                                         const ScaledView& base,
                                         Scale scale,
                                         const Certifier& certify);

/// Throws UnreachableLimit unless the norm is certified to be at least 0.97 limit: the type is too
/// coarse for so small a limit.
void require_near_limit(const Job& job, const Rounded& result);

/// What does not depend on how the values came about; `spectral_change` is |W - Y|_2.
[[nodiscard]] CapResult report(const Job& job, Rounded rounded, const Upper& spectral_change);

/// [K4] `least` is at most any change that meets the limit; 0 says nothing.
void set_change_over_least(const Job& job, const Lower& least, CapResult& result);

}  // namespace lipcert::capping
