#pragma once

#include <vector>

#include "architecture/language/syntax.hpp"

namespace lipcert::language {

/// Every pattern of a family's model, in the order of the document, without what it ignores.
[[nodiscard]] std::vector<Pattern> patterns_of(const Family& family);

}  // namespace lipcert::language
