#pragma once

#include "lipcert/execution/witness.hpp"

#include <functional>

namespace lipcert {

using EnclosedFunction = std::function<Stream<EnclosedNumber>(const Stream<EnclosedNumber>&)>;

/// |f(X) - f(Y)| / |X - Y| in the max-token L2 norm from below, for the exact doubles X and Y and
/// the real-valued f that `function` encloses. Nothing where a token of X or Y is not proved to
/// have at most the norm `radius`, X = Y, or the enclosures are too wide to be of use.
[[nodiscard]] std::optional<Lower> proved_ratio(const EnclosedFunction& function,
                                                const Matrix& first,
                                                const Matrix& second,
                                                const Upper& radius);

}  // namespace lipcert
