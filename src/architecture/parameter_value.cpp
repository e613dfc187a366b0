#include "architecture/parameter_value.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "architecture/lookup.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using language::ParameterKind;

using Outcome = std::variant<ParameterValue, Expectation>;

Outcome count_value(const nlohmann::json& json) {
    const bool is_whole = json.is_number_integer();
    const bool is_in_range =
        is_whole &&
        (json.is_number_unsigned()
             ? json.get<std::uint64_t>() >= 1 &&
                   json.get<std::uint64_t>() <= static_cast<std::uint64_t>(kLargestCount)
             : json.get<std::int64_t>() >= 1 && json.get<std::int64_t>() <= kLargestCount);
    if (!is_in_range) {
        return Expectation{fmt::format("a whole number from 1 to {}", kLargestCount)};
    }
    return ParameterValue(json.get<long>());
}

std::optional<Interval> real_value(const nlohmann::json& json) {
    if (json.is_number_float()) {
        const double nearest = json.get<double>();
        return std::isfinite(nearest) ? std::optional(Interval::around_decimal(nearest))
                                      : std::nullopt;
    }
    const bool fits = json.is_number_unsigned()
                          ? json.get<std::uint64_t>() <=
                                static_cast<std::uint64_t>(std::numeric_limits<long>::max())
                          : json.is_number_integer();
    return fits ? std::optional(Interval::integer(json.get<long>())) : std::nullopt;
}

Outcome number_value(const nlohmann::json& json, bool must_be_positive) {
    const std::optional<Interval> value = real_value(json);
    if (!value || (must_be_positive && !value->is_positive())) {
        return Expectation{must_be_positive ? "a number above 0" : "a number"};
    }
    return ParameterValue(*value);
}

Outcome word_value(const nlohmann::json& json, const std::vector<std::string>& words) {
    if (!json.is_string() ||
        std::find(words.begin(), words.end(), json.get<std::string>()) == words.end()) {
        std::vector<std::string> quoted;
        quoted.reserve(words.size());
        for (const std::string& word : words) {
            quoted.push_back("\"" + word + "\"");
        }
        return Expectation{alternatives_text(quoted)};
    }
    return ParameterValue(json.get<std::string>());
}

/// null, a name, the fraction of the head that is rotated, or {"base", "fraction"}. Only a rotation
/// of the whole head is known to pair i with i + head_dim/2; of a fraction no pairing is assumed.
Outcome rotary_value(const nlohmann::json& json) {
    const Expectation expected{
        "null, a fraction in (0, 1], or {\"base\": above 0, \"fraction\": in (0, 1]}"};
    if (json.is_null()) {
        return ParameterValue(RotarySetting{});
    }
    RotarySetting setting;
    nlohmann::json fraction = json;
    if (json.is_object()) {
        for (const auto& [key, value] : json.items()) {
            if (key != "base" && key != "fraction") {
                return expected;
            }
        }
        if (!json.contains("fraction") || !json.contains("base") || !json["base"].is_number() ||
            !(json["base"].get<double>() > 0)) {
            return expected;
        }
        fraction = json["fraction"];
        setting.angles = RotaryAngles{json["base"].get<double>()};
    }
    if (!fraction.is_number() || !(fraction.get<double>() > 0) || fraction.get<double>() > 1) {
        return expected;
    }
    if (fraction.get<double>() < 1) {
        return ParameterValue(RotarySetting{Rotary::partial, {}, fraction.get<double>()});
    }
    setting.kind = Rotary::half_split;
    return ParameterValue(setting);
}

}  // namespace

std::variant<ParameterValue, Expectation> parameter_value(const nlohmann::json& json,
                                                          const language::ParameterSyntax& syntax) {
    switch (syntax.kind) {
        case ParameterKind::count:
            return count_value(json);
        case ParameterKind::positive:
            return number_value(json, true);
        case ParameterKind::number:
            return number_value(json, false);
        case ParameterKind::activation:
            return word_value(json, activation_names());
        case ParameterKind::choice:
            return word_value(json, syntax.among);
        case ParameterKind::rotary:
            return rotary_value(json);
        case ParameterKind::flag:
            break;
    }
    if (!json.is_boolean()) {
        return Expectation{"true or false"};
    }
    return ParameterValue(json.get<bool>());
}

std::optional<Rotary> rotary_by_name(std::string_view name) {
    if (name == "none") {
        return Rotary::none;
    }
    if (name == "half_split") {
        return Rotary::half_split;
    }
    if (name == "partial") {
        return Rotary::partial;
    }
    return std::nullopt;
}

std::string number_text(const Interval& value) {
    return fmt::format("{:.6g}", value.low().to_double(Rounding::up));
}

}  // namespace lipcert
