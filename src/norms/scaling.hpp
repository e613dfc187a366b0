#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/rounding/roundoff.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <optional>

namespace lipcert {

/// The e with 2^(e-1) <= largest |entry| < 2^e, right for subnormals too; nothing for a matrix that
/// is zero or empty. Throws Error{internal} for an entry that is infinite or NaN.
[[nodiscard]] std::optional<int> largest_exponent(const Matrix& matrix);

/// The same of some of the rows: at most that of all of them. Nothing where those are zero or hold
/// an entry that is not finite.
[[nodiscard]] std::optional<int> exponent_of_some(const Matrix& matrix);

/// Multiplies every entry by 2^exponent in place. Exact but for results at or below 2^-1022, each
/// of which is off by at most underflow_unit() ("Arithmetic"); returns how many there are. The
/// caller makes sure that no result overflows.
Eigen::Index multiply_by_power_of_two(Eigen::Ref<Matrix> matrix, long exponent);

/// The sum of the squares of all entries; [0, 0] where all are zero. Underflow is counted for
/// entries of any size: a square that vanishes is off by at most underflow_unit(), and entries may
/// be at most 2^450 in magnitude, so that no square overflows.
/// Relative width at most 2^12 roundings, whatever the shape: slices of rows are summed in double,
/// up to 64 slices of up to 1024 entries, and what comes of that as bounds. The result does not
/// depend on the number of threads.
[[nodiscard]] Enclosure sum_of_squares(const Eigen::Ref<const Matrix>& matrix);

/// |W|_F; entries as for `sum_of_squares`.
[[nodiscard]] Upper frobenius_upper(const Eigen::Ref<const Matrix>& matrix);

/// The true value of a sum of non-negative terms that was computed as `computed`: each term passed
/// through at most `operations` roundings, and underflow changed the result by at most
/// `underflows * underflow_unit(precision)`.
[[nodiscard]] Enclosure true_sum(double computed,
                                 std::size_t operations,
                                 std::size_t underflows,
                                 Precision precision = Precision::float64);

}  // namespace lipcert
