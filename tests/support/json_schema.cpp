#include "support/json_schema.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>

namespace lipcert::test {

namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
    if (type == "integer") {
        return value.is_number_integer();
    }
    return type == "number" ? value.is_number() : std::string(value.type_name()) == type;
}

class Validator {
public:
    explicit Validator(const json& root) : root_(root) {}

    void check(const json& schema, const json& value, const std::string& place) {
        require_known_keywords(schema);
        if (schema.contains("$ref")) {
            check(resolved(schema["$ref"]), value, place);
        }
        check_value(schema, value, place);
        check_combinations(schema, value, place);
        if (value.is_object()) {
            check_object(schema, value, place);
        }
        if (value.is_array() && schema.contains("items")) {
            for (std::size_t i = 0; i < value.size(); ++i) {
                check(schema["items"], value[i], place + "/" + std::to_string(i));
            }
        }
    }

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

private:
    static void require_known_keywords(const json& schema) {
        static const std::set<std::string> known = {"$schema",
                                                    "$id",
                                                    "$ref",
                                                    "$defs",
                                                    "title",
                                                    "description",
                                                    "type",
                                                    "const",
                                                    "enum",
                                                    "anyOf",
                                                    "allOf",
                                                    "properties",
                                                    "additionalProperties",
                                                    "required",
                                                    "items",
                                                    "minimum",
                                                    "pattern"};
        for (const auto& entry : schema.items()) {
            if (known.count(entry.key()) == 0) {
                throw std::invalid_argument("unknown keyword " + entry.key());
            }
        }
    }

    [[nodiscard]] const json& resolved(const std::string& reference) const {
        return root_.at(json::json_pointer(reference.substr(1)));
    }

    void fail(const std::string& place, const std::string& what) {
        violations_.push_back(place + ": " + what);
    }

    void check_value(const json& schema, const json& value, const std::string& place) {
        if (schema.contains("type")) {
            const json& type = schema["type"];
            const bool fits =
                type.is_string() ? has_type(value, type)
                                 : std::any_of(type.begin(), type.end(), [&value](const json& one) {
                                       return has_type(value, one);
                                   });
            if (!fits) {
                fail(place, std::string("is a ") + value.type_name() + ", not " + type.dump());
            }
        }
        if (schema.contains("const") && value != schema["const"]) {
            fail(place, "is not " + schema["const"].dump());
        }
        if (schema.contains("enum")) {
            const json& values = schema["enum"];
            if (std::find(values.begin(), values.end(), value) == values.end()) {
                fail(place, value.dump() + " is none of " + values.dump());
            }
        }
        if (schema.contains("minimum") && value.is_number() &&
            value.get<double>() < schema["minimum"].get<double>()) {
            fail(place, "is less than " + schema["minimum"].dump());
        }
        if (schema.contains("pattern") && value.is_string() &&
            !std::regex_search(value.get<std::string>(),
                               std::regex(schema["pattern"].get<std::string>()))) {
            fail(place, value.dump() + " does not match " + schema["pattern"].dump());
        }
    }

    void check_combinations(const json& schema, const json& value, const std::string& place) {
        for (const json& part : schema.value("allOf", json::array())) {
            check(part, value, place);
        }
        if (!schema.contains("anyOf")) {
            return;
        }
        const json& options = schema["anyOf"];
        const bool fits = std::any_of(options.begin(), options.end(), [&](const json& option) {
            Validator attempt(root_);
            attempt.check(option, value, place);
            return attempt.violations().empty();
        });
        if (!fits) {
            fail(place, "fits none of the alternatives");
        }
    }

    void check_object(const json& schema, const json& value, const std::string& place) {
        for (const json& key : schema.value("required", json::array())) {
            if (!value.contains(key.get<std::string>())) {
                fail(place, "lacks " + key.dump());
            }
        }
        for (const auto& entry : value.items()) {
            const std::string below = place + "/" + entry.key();
            if (schema.contains("properties") && schema["properties"].contains(entry.key())) {
                check(schema["properties"][entry.key()], entry.value(), below);
            } else if (schema.contains("additionalProperties")) {
                check(schema["additionalProperties"], entry.value(), below);
            }
        }
    }

    const json& root_;
    std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> schema_violations(const json& schema, const json& document) {
    Validator validator(schema);
    validator.check(schema, document, "");
    return validator.violations();
}

}  // namespace lipcert::test
