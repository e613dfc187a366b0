#pragma once

#include "lipcert/certificate/certificate.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace lipcert {

using Json = nlohmann::ordered_json;

/// null where it is not finite: readers must not mistake a cut-off for a bound.
[[nodiscard]] Json json_number(double value);
/// A decimal string, rounded up.
[[nodiscard]] Json json_upper(const Upper& bound);
/// {"upper", "log10_upper", "rule"}.
[[nodiscard]] Json json_bound(const Bound& bound);
/// {"lower", "upper"} as doubles rounded outward.
[[nodiscard]] Json json_enclosure(const Enclosure& value);
[[nodiscard]] Json json_model(const ModelIdentity& model);
/// Every composed bound by its name.
[[nodiscard]] Json json_bounds(const NetworkBounds& bounds);
/// The text of a report, ended by a newline. Bytes of names that are not UTF-8 are replaced.
[[nodiscard]] std::string json_text(const Json& json);

}  // namespace lipcert
