#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "architecture/language/scope.hpp"
#include "architecture/language/syntax.hpp"

namespace lipcert::language {

/// Reads a family file completely, without a checkpoint. Throws Error{architecture} with the place
/// of anything that is unknown, missing, of the wrong type or never used.
[[nodiscard]] Family parse_family(const nlohmann::json& document, const std::string& file);

/// One element of "model". (module_parser.cpp)
[[nodiscard]] StageSyntax parse_stage(const Node& node, Scope& scope);

/// {"config key": [allowed values], ...}
[[nodiscard]] std::vector<Requirement> parse_requirements(const Node& node);

/// "out_in" or "in_out".
[[nodiscard]] Layout parse_layout(const Node& node);

}  // namespace lipcert::language
