#include "execution/confirm.hpp"

#include "lipcert/error.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

Stream<EnclosedNumber> exact(const Matrix& stream) {
    return stream.unaryExpr([](double entry) { return EnclosedNumber::exact(entry); });
}

/// The largest norm of a token of X - Y, from below.
Lower shortest_distance(const Stream<EnclosedNumber>& x, const Stream<EnclosedNumber>& y) {
    Lower largest;
    for (Index token = 0; token < x.rows(); ++token) {
        Lower squares;
        for (Index i = 0; i < x.cols(); ++i) {
            const Lower entry = (x(token, i) - y(token, i)).mignitude();
            squares = squares + entry * entry;
        }
        largest = max(largest, sqrt(squares));
    }
    return largest;
}

/// The largest norm of a token, from above.
Upper longest(const Stream<EnclosedNumber>& x) {
    Upper largest;
    for (Index token = 0; token < x.rows(); ++token) {
        Upper squares;
        for (Index i = 0; i < x.cols(); ++i) {
            squares += square(x(token, i).magnitude());
        }
        largest = max(largest, sqrt(squares));
    }
    return largest;
}

}  // namespace

std::optional<Lower> proved_ratio(const EnclosedFunction& function,
                                  const Matrix& first,
                                  const Matrix& second,
                                  const Upper& radius) {
    const Stream<EnclosedNumber> x = exact(first);
    const Stream<EnclosedNumber> y = exact(second);
    if (longest(x) > radius || longest(y) > radius) {
        return std::nullopt;
    }
    Stream<EnclosedNumber> difference(x.rows(), x.cols());
    for (Index i = 0; i < x.size(); ++i) {
        difference.data()[i] = x.data()[i] - y.data()[i];
    }
    const Upper apart = longest(difference);
    if (apart.is_zero()) {
        return std::nullopt;
    }
    try {
        const Lower moved = shortest_distance(function(x), function(y));
        return moved.is_zero() ? std::nullopt : std::optional<Lower>(moved / apart);
    } catch (const Error&) {
        // A divisor that is not kept away from zero, an end that is not finite: too wide.
        return std::nullopt;
    }
}

}  // namespace lipcert
