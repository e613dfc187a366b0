#include "architecture/lookup.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lipcert {

namespace {

std::string text_of(const nlohmann::json& value) {
    return value.is_null() ? "absent" : printable_quote(value.dump());
}

}  // namespace

const nlohmann::json* find_key(const Configuration& configuration, const std::string& key) {
    const nlohmann::json* object = &configuration.values;
    std::size_t begin = 0;
    while (true) {
        const std::string rest = key.substr(begin);
        if (object->contains(rest)) {
            return &object->at(rest);
        }
        const std::size_t dot = key.find('.', begin);
        if (dot == std::string::npos || !object->contains(key.substr(begin, dot - begin))) {
            return nullptr;
        }
        object = &object->at(key.substr(begin, dot - begin));
        if (object->is_null()) {
            return nullptr;
        }
        if (!object->is_object()) {
            throw Error(ErrorKind::architecture,
                        source_of(configuration),
                        fmt::format("{} is {}; an object with \"{}\" in it, or null, was expected",
                                    key.substr(0, dot),
                                    printable_quote(object->dump()),
                                    key.substr(dot + 1)));
        }
        begin = dot + 1;
    }
}

std::string source_of(const Configuration& configuration) {
    const std::string none = "(none)";
    if (configuration.source == none) {
        return "";
    }
    if (configuration.source.rfind(none + " and ", 0) == 0) {
        return configuration.source.substr(none.size() + 5);
    }
    return configuration.source.empty() ? "the configuration" : configuration.source;
}

std::optional<std::string> violation(const language::Requirement& requirement,
                                     const Configuration& configuration) {
    const nlohmann::json* found = find_key(configuration, requirement.key);
    const nlohmann::json value = found == nullptr ? nlohmann::json() : *found;
    if (std::find(requirement.allowed.begin(), requirement.allowed.end(), value) !=
        requirement.allowed.end()) {
        return std::nullopt;
    }
    std::vector<std::string> allowed;
    for (const nlohmann::json& candidate : requirement.allowed) {
        allowed.push_back(text_of(candidate));
    }
    const std::string source = source_of(configuration);
    const std::string expected = alternatives_text(allowed);
    if (source.empty()) {
        return fmt::format(
            "there is no configuration, but \"{}\" must be {}; give it with --config or --set",
            requirement.key,
            expected);
    }
    return fmt::format(
        "{}: \"{}\" is {}; expected {}", source, requirement.key, text_of(value), expected);
}

std::string alternatives_text(const std::vector<std::string>& words) {
    std::string result;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) {
            result += i + 1 == words.size() ? " or " : ", ";
        }
        result += words[i];
    }
    return result;
}

}  // namespace lipcert
