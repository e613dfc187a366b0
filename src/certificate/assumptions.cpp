#include "lipcert/certificate/assumptions.hpp"

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/rounding/interval.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "files/regular_file.hpp"

namespace lipcert {

namespace {

using nlohmann::json;

constexpr const char* kSchema = "lipcert-conditions-1";

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

void allow_known_keys(const json& document, const std::string& where) {
    constexpr std::array<const char*, 5> kKeys = {
        "schema", "data", "note", "minimum_rms", "maximum_norm"};
    for (const auto& member : document.items()) {
        if (std::find(kKeys.begin(), kKeys.end(), member.key()) == kKeys.end()) {
            refuse(where,
                   "has the unknown key '" + printable_quote(member.key()) +
                       "'; a condition that is not understood must not be dropped. Known: schema, "
                       "data, note, minimum_rms, maximum_norm");
        }
    }
}

std::string required_text(const json& document, const std::string& key, const std::string& where) {
    const auto found = document.find(key);
    if (found == document.end() || !found->is_string() || found->get<std::string>().empty()) {
        refuse(where, "needs '" + key + "', a text that is not empty");
    }
    return found->get<std::string>();
}

/// The positive numbers of the object under `key`, by name; none where there is no such key.
std::map<std::string, double> numbers(const json& document,
                                      const std::string& key,
                                      const std::string& where) {
    std::map<std::string, double> result;
    const auto found = document.find(key);
    if (found == document.end()) {
        return result;
    }
    if (!found->is_object()) {
        refuse(where, "'" + key + "' must be an object of names and numbers");
    }
    for (const auto& member : found->items()) {
        const double number = member.value().is_number() ? member.value().get<double>() : 0.0;
        if (!(number > 0.0) || !std::isfinite(number)) {
            refuse(where,
                   "'" + key + "' of '" + printable_quote(member.key()) +
                       "' must be a positive number");
        }
        result.emplace(member.key(), number);
    }
    return result;
}

}  // namespace

Conditions parse_conditions(const std::string& text, const std::string& where) {
    const json document = parse_json_object(text, where);
    allow_known_keys(document, where);
    if (const std::string schema = required_text(document, "schema", where); schema != kSchema) {
        refuse(where,
               "has the schema '" + printable_quote(schema) + "', expected '" + kSchema + "'");
    }
    Conditions conditions;
    conditions.data = required_text(document, "data", where);
    for (const auto& [name, number] : numbers(document, "minimum_rms", where)) {
        conditions.minimum_rms[name] = {number, Interval::around_decimal(number).mignitude()};
    }
    for (const auto& [name, number] : numbers(document, "maximum_norm", where)) {
        conditions.maximum_norm[name] = {number, Interval::around_decimal(number).magnitude()};
    }
    if (conditions.minimum_rms.empty() && conditions.maximum_norm.empty()) {
        refuse(where,
               "assumes nothing: it needs 'minimum_rms' or 'maximum_norm' with at least one entry");
    }
    return conditions;
}

Conditions read_conditions(const std::filesystem::path& path) {
    constexpr std::uint64_t kLargestText = 16U << 20U;
    RegularFile file(path);
    if (file.size() > kLargestText) {
        refuse(path.string(), "is larger than 16 MiB, more than any list of conditions");
    }
    return parse_conditions(file.read(0, file.size()), path.string());
}

}  // namespace lipcert
