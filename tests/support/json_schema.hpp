#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lipcert::test {

/// What is wrong with `document` by `schema`, each with the place in the document; empty: nothing.
/// Knows the keywords of JSON Schema 2020-12 that docs/schemas uses and throws
/// std::invalid_argument on every other, so that a new keyword cannot go unchecked.
[[nodiscard]] std::vector<std::string> schema_violations(const nlohmann::json& schema,
                                                         const nlohmann::json& document);

}  // namespace lipcert::test
