#include "architecture/language/scope.hpp"

#include "lipcert/architecture/activation.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace lipcert::language {

namespace {

bool is_number(ParameterKind kind) {
    return kind == ParameterKind::count || kind == ParameterKind::positive ||
           kind == ParameterKind::number;
}

std::string name_of(ParameterKind kind) {
    for (const auto& [name, candidate] : parameter_kinds()) {
        if (candidate == kind) {
            return name;
        }
    }
    return "";
}

std::string quoted(const std::vector<std::string>& words) {
    std::string result;
    for (const std::string& word : words) {
        result += (result.empty() ? "\"" : ", \"") + word + "\"";
    }
    return result;
}

bool is_one_name(const std::string& text) {
    try {
        const auto names = Expression::parse(text).names();
        return names.size() == 1 && names.front() == text;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

const std::map<std::string, ParameterKind>& parameter_kinds() {
    static const std::map<std::string, ParameterKind> kinds = {
        {"count", ParameterKind::count},
        {"positive", ParameterKind::positive},
        {"number", ParameterKind::number},
        {"activation", ParameterKind::activation},
        {"choice", ParameterKind::choice},
        {"rotary", ParameterKind::rotary},
        {"flag", ParameterKind::flag},
    };
    return kinds;
}

const std::vector<std::string>& words_of(ParameterKind kind) {
    static const std::map<ParameterKind, std::vector<std::string>> words = {
        {ParameterKind::rotary, {"none", "half_split", "partial"}},
        {ParameterKind::activation, activation_names()},
    };
    static const std::vector<std::string> nothing;
    const auto found = words.find(kind);
    return found == words.end() ? nothing : found->second;
}

void Scope::declare_parameter(const std::string& name, ParameterKind kind, const Node& node) {
    if (!is_one_name(name) || name == "prefix") {
        node.refuse(fmt::format(
            "\"{}\" cannot be a name: letters, digits and _ can, beginning with a letter", name));
    }
    if (sizes_.count(name) != 0) {
        node.refuse(fmt::format("\"{}\" is already the name of a size in \"recognise\"", name));
    }
    parameters_.emplace(name, kind);
}

void Scope::enter_repeat(const Node& index) {
    const std::string name = index.text();
    if (!is_one_name(name) || name == "prefix" || sizes_.count(name) != 0 ||
        parameters_.count(name) != 0) {
        index.refuse(
            fmt::format("\"{}\" cannot name the layer number: it is taken, or not a name", name));
    }
    index_ = name;
}

void Scope::declare_choice(const std::string& name, std::vector<std::string> among) {
    choices_[name] = std::move(among);
}

void Scope::use_number(const std::string& name, const Node& node) {
    const auto found = parameters_.find(name);
    if (found != parameters_.end()) {
        if (!is_number(found->second)) {
            node.refuse(fmt::format("the parameter \"{}\" is of the kind \"{}\", not a number",
                                    name,
                                    name_of(found->second)));
        }
        used_.insert(name);
    } else if (sizes_.count(name) == 0 && (index_.empty() || name != index_)) {
        node.refuse(fmt::format(
            "\"{}\" is the name of no parameter; declare it under \"parameters\"", name));
    }
}

Expression Scope::expression(const Node& node, const std::string& text) {
    try {
        Expression result = Expression::parse(text);
        for (const std::string& name : result.names()) {
            use_number(name, node);
        }
        return result;
    } catch (const Error& error) {
        if (!error.where().empty()) {
            throw;
        }
        node.refuse(error.what());
    }
}

Formula Scope::formula(const Node& node) {
    const nlohmann::json& value = node.value();
    if (value.is_string()) {
        return {expression(node, value.get<std::string>()), node.where()};
    }
    if (value.is_number_float()) {
        return {Expression::of_decimal(value.get<double>()), node.where()};
    }
    if (!value.is_number_integer() ||
        (value.is_number_unsigned() &&
         value.get<std::uint64_t>() >
             static_cast<std::uint64_t>(std::numeric_limits<long>::max()))) {
        node.refuse(
            fmt::format("{} stands here; a number or a formula was expected", value.dump()));
    }
    return {Expression::of_integer(value.get<long>()), node.where()};
}

std::optional<Formula> Scope::optional_formula(const Node& parent, const std::string& key) {
    const auto node = parent.find(key);
    return node ? std::optional(formula(*node)) : std::nullopt;
}

Word Scope::word(const Node& node, ParameterKind kind) {
    const std::string text = node.text();
    const auto found = parameters_.find(text);
    if (found != parameters_.end()) {
        if (found->second != kind) {
            node.refuse(
                fmt::format("the parameter \"{}\" is of the kind \"{}\"; \"{}\" was expected",
                            text,
                            name_of(found->second),
                            name_of(kind)));
        }
        used_.insert(text);
        return {text, node.where()};
    }
    const auto& words = words_of(kind);
    if (std::find(words.begin(), words.end(), text) == words.end()) {
        node.refuse(fmt::format("\"{}\" is the name of no parameter of the kind \"{}\"{}{}",
                                text,
                                name_of(kind),
                                words.empty() ? "" : ", and none of ",
                                quoted(words)));
    }
    return {text, node.where()};
}

Switch Scope::flag(const Node& node) {
    if (node.value().is_boolean()) {
        return {node.flag(), node.where()};
    }
    return {word(node, ParameterKind::flag).text, node.where()};
}

const std::vector<std::string>& Scope::choice(const std::string& name, const Node& node) {
    const auto found = choices_.find(name);
    if (found == choices_.end()) {
        node.refuse(fmt::format("\"{}\" is the name of no parameter of the kind \"choice\"", name));
    }
    used_.insert(name);
    return found->second;
}

void Scope::check_placeholders(const std::string& text, const Node& node, bool any_index) const {
    std::size_t position = 0;
    while ((position = text.find_first_of("{}", position)) != std::string::npos) {
        const std::size_t end = text.find('}', position);
        if (text[position] == '}' || end == std::string::npos) {
            node.refuse(fmt::format("the braces in \"{}\" do not match", text));
        }
        const std::string name = text.substr(position + 1, end - position - 1);
        const bool is_index = !name.empty() && (any_index || name == index_);
        const bool is_prefix = name == "prefix" && has_prefix_;
        if (!is_prefix && (!is_index || name == "prefix")) {
            node.refuse(
                fmt::format("the placeholder {{{}}} in \"{}\" has no meaning here", name, text));
        }
        position = end + 1;
    }
}

Pattern Scope::pattern(const Node& node, bool may_be_optional) {
    std::string text = node.text();
    std::string flag;
    const std::size_t mark = text.find('?');
    const bool optional = mark != std::string::npos;
    if (optional) {
        flag = text.substr(mark + 1);
        text.resize(mark);
    }
    if (optional && !may_be_optional) {
        node.refuse(
            fmt::format("\"{}\" cannot be optional: the model does not work without it", text));
    }
    if (text.empty() || text.find('*') != std::string::npos) {
        node.refuse(fmt::format("\"{}\" must be one tensor's name: * cannot stand in it", text));
    }
    check_placeholders(text, node, false);
    if (!flag.empty()) {
        const auto found = parameters_.find(flag);
        if (found == parameters_.end() || found->second != ParameterKind::flag) {
            node.refuse(
                fmt::format("\"{}\" stands behind the ? and is the name of no parameter of "
                            "the kind \"flag\"",
                            flag));
        }
        used_.insert(flag);
    }
    return {text, optional, flag, node.where()};
}

std::optional<Pattern> Scope::optional_pattern(const Node& parent, const std::string& key) {
    const auto node = parent.find(key);
    return node ? std::optional(pattern(*node, true)) : std::nullopt;
}

Pattern Scope::ignored_pattern(const Node& node) const {
    const std::string text = node.text();
    if (text.find_first_not_of("*{}.?") == std::string::npos) {
        node.refuse(fmt::format("\"{}\" would ignore everything", text));
    }
    check_placeholders(text, node, true);
    return {text, true, "", node.where()};
}

}  // namespace lipcert::language
