#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <functional>
#include <gmpxx.h>
#include <mpfr.h>

namespace lipcert::test {

/// A real number that a test knows in closed form, between two neighbouring 128-bit numbers.
struct KnownReal {
    BigFloat low;
    BigFloat high;
};

/// `compute` writes the number into its argument, which has 400 bits, with an error far below 128
/// bits (a few correctly rounded operations).
[[nodiscard]] KnownReal known_real(const std::function<void(mpfr_ptr)>& compute);
[[nodiscard]] KnownReal known_double(double value);
/// sqrt(value).
[[nodiscard]] KnownReal known_root(double value);
[[nodiscard]] KnownReal scaled(const KnownReal& value, long exponent);

/// lower <= value <= upper, to the last of 128 bits.
[[nodiscard]] bool encloses(const Enclosure& enclosure, const KnownReal& value);
[[nodiscard]] bool encloses(const Enclosure& enclosure, const mpq_class& value);

/// Whether the bound is the exact value of its formula but for the rounding of 128 bits, a few
/// operations of it: value <= bound <= value (1 + 2^-120), or the mirror image.
[[nodiscard]] bool is_rounded_up(const Upper& bound, const mpq_class& value);
[[nodiscard]] bool is_rounded_down(const Lower& bound, const mpq_class& value);
/// The number itself.
[[nodiscard]] mpq_class rational(const BigFloat& value);
/// 2^exponent.
[[nodiscard]] mpq_class two_to(int exponent);
/// gamma_n = n U / (1 - n U), U = 2^-52.
[[nodiscard]] mpq_class exact_gamma(long roundings);

/// Whether level I - S is positive definite, in exact integer arithmetic (Bareiss: every leading
/// principal minor is positive). S is symmetric, up to about 30 x 30.
[[nodiscard]] bool lies_above_spectrum(const BigFloat& level, const Matrix& symmetric);

/// Whether level > |W|_2, decided exactly: level^2 I - W^T W is positive definite.
[[nodiscard]] bool exceeds_spectral_norm(const BigFloat& level, const Matrix& matrix);

/// Whether A - B is positive definite, where A = L L^T + slack I and B = M M^T, decided exactly.
[[nodiscard]] bool dominates(const Matrix& factor, const Matrix& matrix, const BigFloat& slack);

}  // namespace lipcert::test
