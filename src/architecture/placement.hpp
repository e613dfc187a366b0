#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <string>
#include <vector>

#include "architecture/language/syntax.hpp"
#include "architecture/match.hpp"

namespace lipcert {

/// Tensors of the file that bear nothing: those whose name and shape the family ignores, and
/// integer scalars and vectors (counters). Throws Error{architecture} that lists what else has no
/// place in the model: a certificate that skips a weight would be false.
[[nodiscard]] std::vector<std::string> ignored_tensors(const language::Family& family,
                                                       const Match& match,
                                                       const Configuration& configuration,
                                                       const Architecture& architecture,
                                                       const Checkpoint& checkpoint);

/// Whether `name` is what `pattern` describes: * is any text, {index} any number.
[[nodiscard]] bool matches(const std::string& pattern, const std::string& name);

}  // namespace lipcert
