#pragma once

#include "lipcert/checkpoint/configuration.hpp"

#include "architecture/language/syntax.hpp"

namespace lipcert {

/// Throws Error{architecture} where the configuration holds a setting that changes what models
/// compute and that the family does not read: a multiplier, a soft-cap, a normalisation of queries
/// and keys and the like leave no tensor behind, so that nothing else would show that the family
/// describes another function. A family with "only_keys" refuses every key that it does not know.
void refuse_foreign_settings(const language::Family& family,
                             const Configuration& configuration,
                             const std::string& where);

}  // namespace lipcert
