#pragma once

#include "lipcert/rounding/enclosed_number.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <type_traits>

namespace lipcert {

/// One token per row, in the arithmetic `Scalar`: float, double, or EnclosedNumber, whose results
/// enclose those of exact arithmetic.
template <class Scalar>
using Stream = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// What a stored weight is kept as: float32 for speed, else the exact double.
template <class Scalar>
using Coefficients = Stream<std::conditional_t<std::is_same_v<Scalar, float>, float, double>>;

/// Stored numbers as a stream: exact in the arithmetic that encloses.
template <class Scalar>
[[nodiscard]] Stream<Scalar> as_stream(const Coefficients<Scalar>& stored) {
    if constexpr (std::is_floating_point_v<Scalar>) {
        return stored;
    } else {
        return stored.unaryExpr([](double entry) { return Scalar::exact(entry); });
    }
}

}  // namespace lipcert

/// Eigen is only a container here; its own algebra is never applied to an EnclosedNumber.
template <>
struct Eigen::NumTraits<lipcert::EnclosedNumber> : Eigen::NumTraits<double> {
    using Real = lipcert::EnclosedNumber;
    using NonInteger = lipcert::EnclosedNumber;
    using Nested = lipcert::EnclosedNumber;
    using Literal = lipcert::EnclosedNumber;

    enum { RequireInitialization = 1 };  // NOLINT(readability-identifier-naming): Eigen's name
};
