#pragma once

#include "lipcert/architecture/graph.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "architecture/language/syntax.hpp"

namespace lipcert {

/// The largest count that is not absurd: 2^31 - 1.
constexpr long kLargestCount = 2147483647;

/// A rotary embedding as a configuration gives it; the angles where it says them.
struct RotarySetting {
    Rotary kind = Rotary::none;
    std::optional<RotaryAngles> angles;
    std::optional<double> fraction = {};  ///< of each head that is rotated, where it is said
};

/// A count, a real number, a word (activation, choice), a rotary embedding or a flag.
using ParameterValue = std::variant<long, Interval, std::string, RotarySetting, bool>;

/// What a value should have been: "a whole number from 1 to 2147483647".
struct Expectation {
    std::string text;
};

/// A value of a configuration, checked against the kind of the parameter. A JSON integer is exact;
/// a JSON decimal becomes an interval that holds the decimal and its nearest double.
[[nodiscard]] std::variant<ParameterValue, Expectation> parameter_value(
    const nlohmann::json& json, const language::ParameterSyntax& syntax);

[[nodiscard]] std::optional<Rotary> rotary_by_name(std::string_view name);

/// Six digits for a reader; not a bound.
[[nodiscard]] std::string number_text(const Interval& value);

}  // namespace lipcert
