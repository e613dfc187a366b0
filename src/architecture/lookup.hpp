#pragma once

#include "lipcert/checkpoint/configuration.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "architecture/language/syntax.hpp"

namespace lipcert {

/// The value of a configuration key, whose dots descend into objects; nullptr where there is none
/// (a stored null is returned as such). Throws Error{architecture} where the way leads through
/// something that is neither an object nor null.
[[nodiscard]] const nlohmann::json* find_key(const Configuration& configuration,
                                             const std::string& key);

/// Where the configuration came from, for messages; "" where there is none.
[[nodiscard]] std::string source_of(const Configuration& configuration);

/// Nothing where the configuration meets the requirement, else what is wrong.
[[nodiscard]] std::optional<std::string> violation(const language::Requirement& requirement,
                                                   const Configuration& configuration);

/// "a", "b" or "c".
[[nodiscard]] std::string alternatives_text(const std::vector<std::string>& words);

}  // namespace lipcert
