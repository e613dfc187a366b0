#pragma once

#include "lipcert/rounding/bound.hpp"

#include <string>

namespace lipcert {

/// A limit as a user writes it: a positive decimal of any size, rounded down, so that what is
/// proved to be at most the result is at most the limit. Throws Error{usage} that names `flag`.
[[nodiscard]] Lower parse_limit(const std::string& flag, const std::string& text);

}  // namespace lipcert
