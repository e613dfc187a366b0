#pragma once

#include "lipcert/error.hpp"
#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lipcert {

/// The stored type of a matrix holds nothing that the method could make of it under this limit.
class UnreachableLimit : public Error {
public:
    /// Kind usage: another limit, or leaving the matrix out, is what helps.
    UnreachableLimit(std::string where, const std::string& message)
        : Error(ErrorKind::usage, std::move(where), message) {}
};

/// How weights are brought under a limit c (docs/capping.md has formulas and sources).
enum class CapMethod {
    normalize,       ///< W min(1, c/sigma_1)
    hard_cap,        ///< sigma -> min(c, sigma)
    soft_cap,        ///< x - a x^3, then x + a x^3, a solved for the norm at hand
    hammer,          ///< the largest singular value -> c, again while another exceeds c
    weight_decay,    ///< sigma -> (1 - lambda) sigma
    spectral_decay,  ///< sigma_1 -> (1 - lambda) sigma_1
    orthogonalize    ///< sigma -> c
};

/// "hard-cap", as the command line spells it.
[[nodiscard]] std::string_view name_of(CapMethod method);

struct CapRequest {
    CapMethod method = CapMethod::normalize;
    /// On the spectral norm of the matrix that the method sees; positive. An exact double: limits
    /// in other units are rounded down to one.
    double limit = 1.0;
    double decay = 0.1;                 ///< lambda of the two decays, in (0, 1)
    bool until_limit = false;           ///< decays: repeat until the limit is certified
    DataType type = DataType::float32;  ///< into which the result is rounded
};

/// What happened to one matrix. All figures hold for the rounded values.
struct CapResult {
    std::optional<StoredValues> values;  ///< none: unchanged, bit for bit
    SpectralNorm before, after;
    bool within_limit = false;            ///< after.spectral.upper() <= limit is proved
    Enclosure relative_frobenius_change;  ///< |W - Y|_F / |W|_F
    Upper relative_spectral_change;       ///< |W - Y|_2 / |W|_2, from above
    /// |W - Y|_F over the least possible Frobenius change for this limit, from above; none where Y
    /// does not meet the limit or the certificate of docs/capping.md gives nothing.
    std::optional<Upper> change_over_least;
    std::size_t moved = 0;  ///< singular values that the method lowered (estimate)
    /// Where the limit is on rows: the largest Euclidean norm of one, before and after, from above.
    std::optional<Upper> largest_row_before, largest_row_after;
};

/// Caps one matrix; deterministic. Throws UnreachableLimit where the stored type is too coarse or
/// too narrow for the limit, Error{internal} for a request outside its domain.
[[nodiscard]] CapResult cap_matrix(const Matrix& matrix,
                                   const SpectralNorm& norm,
                                   const CapRequest& request);

/// The same for the Euclidean norms of the rows: each row w becomes w min(1, c/|w|).
[[nodiscard]] CapResult cap_rows(const Matrix& matrix,
                                 const SpectralNorm& norm,
                                 const CapRequest& request);

}  // namespace lipcert
