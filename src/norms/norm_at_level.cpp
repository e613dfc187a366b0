#include <cmath>
#include <optional>
#include <utility>

#include "norms/blas.hpp"
#include "norms/certified_ends.hpp"
#include "norms/cholesky_certificate.hpp"
#include "norms/crude_gram.hpp"
#include "norms/error_terms.hpp"
#include "norms/integer_gram.hpp"
#include "norms/large_matrix.hpp"
#include "norms/paths.hpp"

namespace lipcert {

namespace {

/// The level for lambda_max(G) with which [S3] ends at `level` for |W'|_2 if the factorisation
/// succeeds: lower by what the Gram matrix and, a priori, the factorisation are off by. A guess;
/// what comes of it is compared with the level.
double level_of_gram(const Gram& gram, double level) {
    constexpr double kMargin = 1.001;
    const double of_fixed_point = level - kMargin * gram.rest.to_double();
    const double square = of_fixed_point * of_fixed_point;
    const double trace = static_cast<double>(gram.lower.rows()) * square - gram.lower.trace();
    if (!(trace > 0.0)) {
        return square;
    }
    const Upper error =
        cholesky_error_from_trace(gram.lower.rows(), Upper::exact(trace), Upper::exact(square));
    const Upper rounded = diagonal_error(Upper::exact(square));
    return square - kMargin * (error + rounded + gram.error).to_double();
}

/// With less room, as a part of the level, float32 is not worth an attempt: its factorisation of a
/// matrix of 4096 columns is off by .2 % of the square.
constexpr double kRoomOfFloat32 = 0.002;
/// By what part of the guess the level of such a factorisation lies above it.
constexpr double kAboveGuess = 4e-4;

/// The largest eigenvalue of what the Gram matrix was computed of, from above; infinite where the
/// factorisation breaks off [S8].
Upper certified_by_float32(Gram& gram, double expected) {
    CrudeGram crude = rounded_to_float32(gram);
    recycle(std::move(gram.lower));
    const double level = (1.0 + kAboveGuess) * expected;
    Upper result =
        certify_crude_level(crude.lower, static_cast<float>(level * level)) + crude.error;
    recycle(std::move(crude.lower));
    return result;
}

Upper certified_by_float64(Gram& gram, double level) {
    const double level_of_square = level_of_gram(gram, level);  // before the matrix moves on
    EigenvalueCertificate certificate = certify_level(std::move(gram.lower), level_of_square);
    recycle(std::move(certificate.factor.lower));
    return certificate.largest_eigenvalue;
}

}  // namespace

std::optional<SpectralNorm> norm_at_level(const Matrix& matrix,
                                          int exponent,
                                          const LevelGuess& guess,
                                          const Vector& direction,
                                          const std::function<void(const Gram&)>& look_at) {
    blas::require_trusted();
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    const double level = std::ldexp(guess.level, -exponent);
    // What integers leave out takes at most a third of the room between the levels.
    const double room = level - std::ldexp(guess.expected, -exponent);
    Gram gram = form_fast_gram(panels, level, 2.0 / 3.0 * level * room);
    if (look_at) {
        look_at(gram);
    }
    const Upper largest = room >= kRoomOfFloat32 * level ? certified_by_float32(gram, level - room)
                                                         : certified_by_float64(gram, level);
    if (!largest.is_finite()) {
        return std::nullopt;
    }
    const SpectralNorm result = norm_between(panels, gram, largest, direction, exponent);
    return proves_at_most(result.spectral.upper(), Lower::exact(guess.level))
               ? std::optional(result)
               : std::nullopt;
}

}  // namespace lipcert
