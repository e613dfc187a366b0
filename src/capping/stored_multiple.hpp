#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include "capping/change.hpp"
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

/// What became of rounding a multiple of a matrix B to the stored type, and what the one pass that
/// did it measured [K1].
struct StoredMultiple {
    StoredValues values;  ///< Y = fl(scale B)
    long exponent = 0;    ///< entries of 2^-exponent Y are at most 1
    double factor = 0.0;  ///< scale B = 2^exponent factor (2^-e B), e the exponent of B's view
    Enclosure departure;  ///< |Y - scale B|_F
    Enclosure change;     ///< |W - Y|_F, W the matrix of the job
    Enclosure frobenius;  ///< |Y|_F

    /// Every entry of Y.
    [[nodiscard]] bool is_zero() const;

    /// Y as doubles, on several threads.
    [[nodiscard]] Matrix matrix() const;
};

/// Rounds and measures on several threads, each number of B and of W read once. Throws
/// UnreachableLimit where an entry is too large for the type.
[[nodiscard]] StoredMultiple store_multiple(const Job& job,
                                            const ScaledView& base,
                                            const Scale& scale);

/// W - Y in two parts.
struct SplitChange {
    Upper intended;  ///< >= the spectral norm of what the method takes away
    Upper rounding;  ///< >= the Frobenius norm of the rest, which rounding adds
};

/// |W - Y|_2 from above: the sum of the parts, or where rounding takes a large part (the types of
/// two bytes) an enclosure of its own.
[[nodiscard]] Upper spectral_change(const Job& job,
                                    const StoredMultiple& result,
                                    const SplitChange& parts);

}  // namespace lipcert::capping
