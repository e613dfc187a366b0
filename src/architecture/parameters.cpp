#include "architecture/parameters.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <utility>

#include "architecture/lookup.hpp"
#include <fmt/format.h>

namespace lipcert {

using language::Expression;
using language::Formula;
using language::ParameterKind;
using language::ParameterSyntax;

namespace {

/// Runs `evaluate`; a complaint of the arithmetic learns where the formula stands and what is in
/// it.
template <typename Evaluate, typename Explain>
auto evaluated(const Formula& formula, const Evaluate& evaluate, const Explain& explain) {
    try {
        return evaluate();
    } catch (const Error& error) {
        if (!error.where().empty() || error.kind() != ErrorKind::architecture) {
            throw;
        }
        const std::string names = explain(formula.expression);
        throw Error(ErrorKind::architecture,
                    formula.where,
                    fmt::format("{} in the formula \"{}\"{}{}",
                                error.what(),
                                formula.expression.text(),
                                names.empty() ? "" : ", where ",
                                names));
    }
}

/// Whether two values of a configuration mean the same; 12 and 12.0 do.
bool say_the_same(const nlohmann::json& a, const nlohmann::json& b, ParameterKind kind) {
    if (kind == ParameterKind::activation && a.is_string() && b.is_string()) {
        const auto of_a = activation_by_name(a.get_ref<const std::string&>());
        return a == b || (of_a && of_a == activation_by_name(b.get_ref<const std::string&>()));
    }
    return a == b;
}

}  // namespace

Parameters::Parameters(const language::Family& family,
                       const Match& match,
                       const Configuration& configuration,
                       std::string checkpoint_path)
    : family_(family),
      match_(match),
      configuration_(configuration),
      checkpoint_path_(std::move(checkpoint_path)) {}

void Parameters::set_layer(const std::string& index, std::size_t layer) {
    layer_ = {index, static_cast<long>(layer)};
}

std::optional<long> Parameters::local_number(const std::string& name) const {
    if (layer_ && layer_->first == name) {
        return layer_->second;
    }
    const auto found = match_.sizes.find(name);
    return found == match_.sizes.end() ? std::nullopt : std::optional(found->second.value);
}

const Parameters::Resolved& Parameters::resolve(const std::string& name) {
    const auto known = values_.find(name);
    if (known != values_.end()) {
        return known->second;
    }
    const ParameterSyntax& syntax = family_.parameters.at(name);
    if (!in_progress_.insert(name).second) {
        throw Error(ErrorKind::architecture,
                    syntax.where,
                    fmt::format("the parameter \"{}\" is defined by itself", name));
    }
    Resolved found = find(name, syntax);
    in_progress_.erase(name);
    resolved_.push_back({name, found.text, found.source});
    return values_.emplace(name, std::move(found)).first->second;
}

void Parameters::resolve_what_is_there() {
    for (const auto& [name, syntax] : family_.parameters) {
        try {
            (void)resolve(name);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::architecture) {
                throw;
            }
            in_progress_.clear();
        }
    }
}

const language::Source* Parameters::source_in_use(const ParameterSyntax& syntax) const {
    for (const auto& source : syntax.sources) {
        const auto* key = std::get_if<language::ConfigurationKey>(&source);
        const nlohmann::json* value = key ? find_key(configuration_, key->key) : nullptr;
        // Only a rotary embedding has a meaning for null ("rope": null); elsewhere it is "not set".
        if (key == nullptr ||
            (value != nullptr && (!value->is_null() || syntax.kind == ParameterKind::rotary))) {
            return &source;
        }
    }
    return nullptr;
}

Parameters::Resolved Parameters::find(const std::string& name, const ParameterSyntax& syntax) {
    const language::Source* source = source_in_use(syntax);
    if (source == nullptr) {
        refuse_missing(name, syntax);
    }
    if (const auto* fixed = std::get_if<language::FixedValue>(source)) {
        return from_family(*fixed, syntax);
    }
    const std::string& key = std::get<language::ConfigurationKey>(*source).key;
    refuse_contradiction(name, syntax, key);
    return from_configuration(key, *find_key(configuration_, key), syntax);
}

void Parameters::refuse_contradiction(const std::string& name,
                                      const ParameterSyntax& syntax,
                                      const std::string& key) const {
    const nlohmann::json& value = *find_key(configuration_, key);
    for (const auto& source : syntax.sources) {
        const auto* other = std::get_if<language::ConfigurationKey>(&source);
        const nlohmann::json* stated =
            other == nullptr ? nullptr : find_key(configuration_, other->key);
        if (stated == nullptr || stated->is_null() || say_the_same(value, *stated, syntax.kind)) {
            continue;
        }
        throw Error(ErrorKind::architecture,
                    checkpoint_path_,
                    fmt::format("{}: \"{}\" is {} and \"{}\" is {}, and both stand for '{}' of "
                                "family {}: take out the one that is not meant",
                                source_of(configuration_),
                                key,
                                printable_quote(value.dump()),
                                other->key,
                                printable_quote(stated->dump()),
                                name,
                                family_.name));
    }
}

void Parameters::refuse_missing(const std::string& name, const ParameterSyntax& syntax) const {
    std::vector<std::string> keys;
    for (const auto& source : syntax.sources) {
        if (const auto* key = std::get_if<language::ConfigurationKey>(&source)) {
            keys.push_back("\"" + key->key + "\"");
        }
    }
    const std::string place = source_of(configuration_);
    throw Error(
        ErrorKind::architecture,
        checkpoint_path_,
        fmt::format("the parameter '{}' of family {} is missing: looked for {} in {}. It "
                    "decides the bound, so it is never guessed: add it to the configuration, "
                    "or give it with --config or --set",
                    name,
                    family_.name,
                    alternatives_text(keys),
                    place.empty() ? "the configuration, of which there is none" : place));
}

Parameters::Resolved Parameters::from_configuration(const std::string& key,
                                                    const nlohmann::json& json,
                                                    const ParameterSyntax& syntax) const {
    const std::string source = source_of(configuration_) + ": " + key;
    const auto parsed = parameter_value(json, syntax);
    if (const auto* expected = std::get_if<Expectation>(&parsed)) {
        throw Error(
            ErrorKind::architecture,
            checkpoint_path_,
            fmt::format(
                "{} is {}; expected {}", source, printable_quote(json.dump()), expected->text));
    }
    // Words are shown bare, everything else as it stands in the configuration.
    const std::string text = json.is_string() ? json.get<std::string>() : json.dump();
    return {std::get<ParameterValue>(parsed), text, source};
}

Parameters::Resolved Parameters::from_family(const language::FixedValue& fixed,
                                             const ParameterSyntax& syntax) {
    const std::string source = syntax.sources.size() > 1 ? "family default" : "fixed by the family";
    if (const auto* flag = std::get_if<bool>(&fixed)) {
        return {*flag, *flag ? "true" : "false", source};
    }
    if (const auto* word = std::get_if<std::string>(&fixed)) {
        if (syntax.kind == ParameterKind::rotary) {
            return {RotarySetting{*rotary_by_name(*word), {}}, *word, source};
        }
        return {*word, *word, source};
    }
    const Formula formula{std::get<Expression>(fixed), syntax.where};
    const bool is_constant = formula.expression.names().empty();
    const std::string from = is_constant ? source : source + ": " + formula.expression.text();
    if (syntax.kind == ParameterKind::count) {
        const long value = whole(formula, "a count", 1);
        return {value, std::to_string(value), from};
    }
    const Interval value = syntax.kind == ParameterKind::positive
                               ? positive(formula, "a positive number")
                               : real(formula);
    return {value, is_constant ? formula.expression.text() : number_text(value), from};
}

long Parameters::whole_named(const std::string& name) {
    if (const auto local = local_number(name)) {
        return *local;
    }
    const Resolved& resolved = resolve(name);
    if (const auto* count = std::get_if<long>(&resolved.value)) {
        return *count;
    }
    throw Error(ErrorKind::architecture,
                "",
                fmt::format("a size cannot be made of '{}', which is not a count", name));
}

Interval Parameters::real_named(const std::string& name) {
    if (const auto local = local_number(name)) {
        return Interval::integer(*local);
    }
    const Resolved& resolved = resolve(name);
    if (const auto* count = std::get_if<long>(&resolved.value)) {
        return Interval::integer(*count);
    }
    return std::get<Interval>(resolved.value);
}

std::string Parameters::explain(const Expression& expression) {
    std::string result;
    std::set<std::string> seen;
    for (const std::string& name : expression.names()) {
        if (!seen.insert(name).second) {
            continue;
        }
        const auto size = match_.sizes.find(name);
        const auto value = values_.find(name);
        std::string item;
        if (size != match_.sizes.end()) {
            item = fmt::format("{} = {} ({})", name, size->second.value, size->second.source);
        } else if (value != values_.end()) {
            item = explain(name);
        } else if (layer_ && layer_->first == name) {
            item = fmt::format("{} = {}", name, layer_->second);
        }
        result += (result.empty() || item.empty() ? "" : ", ") + item;
    }
    return result;
}

std::string Parameters::explain(const std::string& name) const {
    const Resolved& value = values_.at(name);
    return fmt::format("{} = {} ({})", name, value.text, value.source);
}

Interval Parameters::real(const Formula& formula) {
    return evaluated(
        formula,
        [&] {
            return formula.expression.real(
                [this](const std::string& name) { return real_named(name); });
        },
        [this](const Expression& expression) { return explain(expression); });
}

Interval Parameters::positive(const Formula& formula, const std::string& what) {
    return evaluated(
        formula,
        [&] {
            Interval value = real(formula);
            if (!value.is_positive()) {
                throw Error(ErrorKind::architecture,
                            "",
                            fmt::format("{} must be above 0 and is {}", what, number_text(value)));
            }
            return value;
        },
        [this](const Expression& expression) { return explain(expression); });
}

long Parameters::whole(const Formula& formula, const std::string& what, long smallest) {
    return evaluated(
        formula,
        [&] {
            const long value = formula.expression.whole(
                [this](const std::string& name) { return whole_named(name); });
            if (value < smallest || value > kLargestCount) {
                throw Error(ErrorKind::architecture,
                            "",
                            fmt::format("{} must lie between {} and {} and is {}",
                                        what,
                                        smallest,
                                        kLargestCount,
                                        value));
            }
            return value;
        },
        [this](const Expression& expression) { return explain(expression); });
}

std::size_t Parameters::offset(const Formula& formula, const std::string& what) {
    return static_cast<std::size_t>(whole(formula, what, 0));
}

std::size_t Parameters::size(const Formula& formula, const std::string& what) {
    return static_cast<std::size_t>(whole(formula, what, 1));
}

Activation Parameters::activation(const language::Word& word) {
    const bool is_parameter = family_.parameters.count(word.text) != 0;
    return *activation_by_name(is_parameter ? choice(word.text) : word.text);
}

RotarySetting Parameters::rotary(const language::Word& word) {
    if (family_.parameters.count(word.text) == 0) {
        return {*rotary_by_name(word.text), {}};
    }
    return std::get<RotarySetting>(resolve(word.text).value);
}

bool Parameters::all_default(const std::vector<std::string>& keys) const {
    return std::all_of(keys.begin(), keys.end(), [this](const std::string& key) {
        // The word itself may stand where others have an object: "rope_scaling": "linear".
        const nlohmann::json* value = find_key(configuration_, key.substr(0, key.find('.')));
        if (value == nullptr || value->is_structured()) {
            value = find_key(configuration_, key);
        }
        return value == nullptr || value->is_null() || *value == "default";
    });
}

bool Parameters::flag(const language::Switch& value) {
    if (const auto* fixed = std::get_if<bool>(&value.value)) {
        return *fixed;
    }
    return std::get<bool>(resolve(std::get<std::string>(value.value)).value);
}

std::optional<bool> Parameters::stated_flag(const std::string& name) {
    if (source_in_use(family_.parameters.at(name)) == nullptr) {
        return std::nullopt;
    }
    return std::get<bool>(resolve(name).value);
}

std::string Parameters::choice(const std::string& name) {
    return std::get<std::string>(resolve(name).value);
}

}  // namespace lipcert
