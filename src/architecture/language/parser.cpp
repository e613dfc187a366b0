#include "architecture/language/parser.hpp"

#include "lipcert/architecture/activation.hpp"
#include "lipcert/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lipcert::language {

namespace {

/// A string or a list of strings.
std::vector<Node> one_or_more(const Node& node) {
    return node.value().is_array() ? node.items() : std::vector<Node>{node};
}

bool is_bare_name(const Expression& extent) {
    const auto names = extent.names();
    return names.size() == 1 && names.front() == extent.text();
}

std::vector<ShapeCondition> parse_shapes(const Node& node, Scope& scope) {
    std::vector<ShapeCondition> result;
    for (const auto& [pattern, shape] : node.members()) {
        ShapeCondition condition;
        const nlohmann::json name = pattern;
        condition.pattern = scope.pattern(Node(name, shape.where()), false);
        condition.pattern.where = shape.where();
        for (const Node& extent : shape.items()) {
            const bool is_number = extent.value().is_number_integer();
            try {
                condition.extents.push_back(
                    Expression::parse(is_number ? extent.value().dump() : extent.text()));
            } catch (const Error& error) {
                extent.refuse(error.what());
            }
        }
        result.push_back(std::move(condition));
    }
    // A shape of names alone cannot be wrong by itself: it binds first, so that a complaint names
    // the tensor whose shape is a condition.
    std::stable_partition(result.begin(), result.end(), [](const ShapeCondition& shape) {
        return std::all_of(shape.extents.begin(), shape.extents.end(), is_bare_name);
    });
    return result;
}

/// A name that stands alone as an extent is bound to it; every other name must be bound somewhere.
void declare_sizes(const std::vector<ShapeCondition>& shapes, Scope& scope) {
    std::set<std::string> bound;
    for (const auto& shape : shapes) {
        for (const Expression& extent : shape.extents) {
            if (is_bare_name(extent)) {
                bound.insert(extent.text());
                scope.declare_size(extent.text());
            }
        }
    }
    for (const auto& shape : shapes) {
        for (const Expression& extent : shape.extents) {
            for (const std::string& name : extent.names()) {
                if (bound.count(name) == 0) {
                    throw Error(ErrorKind::architecture,
                                shape.pattern.where,
                                fmt::format("nothing says how large \"{}\" is: it stands alone in "
                                            "no shape",
                                            name));
                }
            }
        }
    }
}

void parse_recognition(const Node& root, Scope& scope, Family& family) {
    if (const auto prefix = root.find("prefix")) {
        family.prefixes.clear();
        for (const Node& item : one_or_more(*prefix)) {
            if (!item.value().is_string()) {
                item.refuse("a prefix is a text, possibly empty");
            }
            family.prefixes.push_back(item.value().get<std::string>());
        }
        if (family.prefixes.empty()) {
            prefix->refuse("the list of prefixes is empty");
        }
        scope.declare_prefix();
    }
    if (const auto recognise = root.find("recognise")) {
        recognise->allow_keys({"config", "tensors", "absent"});
        if (const auto config = recognise->find("config")) {
            family.recognised_configuration = parse_requirements(*config);
        }
        if (const auto tensors = recognise->find("tensors")) {
            family.recognised_tensors = parse_shapes(*tensors, scope);
            declare_sizes(family.recognised_tensors, scope);
        }
        if (const auto absent = recognise->find("absent")) {
            for (const Node& name : absent->items()) {
                family.absent_tensors.push_back(scope.pattern(name, false));
            }
        }
    }
    const auto& shapes = family.recognised_tensors;
    if (family.prefixes.size() > 1 &&
        std::none_of(shapes.begin(), shapes.end(), [](const ShapeCondition& shape) {
            return shape.pattern.text.find("{prefix}") != std::string::npos;
        })) {
        root.at("prefix").refuse(
            "several prefixes need a tensor with {prefix} under \"recognise\", which decides");
    }
}

ParameterKind kind_of(const Node& node) {
    std::optional<ParameterKind> result;
    for (const auto& [key, value] : node.members()) {
        const auto found = parameter_kinds().find(key);
        if (found != parameter_kinds().end()) {
            if (result) {
                node.refuse("a parameter has one kind; here are two");
            }
            result = found->second;
        }
    }
    if (!result) {
        node.allow_keys({"count", "positive", "number", "activation", "choice", "rotary", "flag"});
        node.refuse("the kind of the parameter is missing: {\"count\": \"config key\"}");
    }
    return *result;
}

/// What follows '=' in a family file, for a parameter whose value is a word.
FixedValue fixed_word(const Node& node, ParameterKind kind, const ParameterSyntax& parameter) {
    const std::string word = node.text().substr(1);
    if (kind == ParameterKind::flag) {
        if (word != "true" && word != "false") {
            node.refuse(fmt::format("\"{}\" is neither true nor false", word));
        }
        return word == "true";
    }
    const auto& words = kind == ParameterKind::choice ? parameter.among : words_of(kind);
    if (std::find(words.begin(), words.end(), word) == words.end()) {
        node.refuse(fmt::format("\"{}\" is not one of the words that can stand here", word));
    }
    return word;
}

bool is_number_kind(ParameterKind kind) {
    return kind == ParameterKind::count || kind == ParameterKind::positive ||
           kind == ParameterKind::number;
}

Source parse_source(const Node& node, const ParameterSyntax& parameter, Scope& scope) {
    const ParameterKind kind = parameter.kind;
    const nlohmann::json& value = node.value();
    if (value.is_string()) {
        const std::string text = node.text();
        if (text.front() != '=') {
            return ConfigurationKey{text};
        }
        if (is_number_kind(kind)) {
            return FixedValue(scope.expression(node, text.substr(1)));
        }
        return fixed_word(node, kind, parameter);
    }
    if (is_number_kind(kind) && value.is_number()) {
        return FixedValue(scope.formula(node).expression);
    }
    if (kind == ParameterKind::flag && value.is_boolean()) {
        return FixedValue(value.get<bool>());
    }
    node.refuse(fmt::format("{} stands here; a configuration key or \"=value\" was expected",
                            value.dump()));
}

void declare_parameter(const std::string& name, const Node& node, Scope& scope, Family& family) {
    ParameterSyntax parameter;
    parameter.where = node.where();
    parameter.kind = kind_of(node);
    scope.declare_parameter(name, parameter.kind, node);
    if (parameter.kind == ParameterKind::choice) {
        for (const Node& word : node.at("among").items()) {
            parameter.among.push_back(word.text());
        }
        scope.declare_choice(name, parameter.among);
    }
    family.parameters.emplace(name, std::move(parameter));
}

/// In two passes, because formulas may name parameters that stand further down.
void parse_parameters(const Node& root, Scope& scope, Family& family) {
    const auto parameters = root.find("parameters");
    if (!parameters) {
        return;
    }
    for (const auto& [name, node] : parameters->members()) {
        if (name != "note") {
            declare_parameter(name, node, scope, family);
        }
    }
    for (auto& [name, parameter] : family.parameters) {
        const Node node = parameters->at(name);
        std::string key;
        for (const auto& [kind_name, kind] : parameter_kinds()) {
            key = kind == parameter.kind ? kind_name : key;
        }
        if (parameter.kind == ParameterKind::choice) {
            node.allow_keys({key, "among"});
        } else {
            node.allow_keys({key});
        }
        for (const Node& source : one_or_more(node.at(key))) {
            parameter.sources.push_back(parse_source(source, parameter, scope));
        }
        if (parameter.sources.empty()) {
            node.refuse("nothing says where this parameter is read");
        }
    }
}

void parse_model(const Node& root, Scope& scope, Family& family) {
    const Node model = root.at("model");
    bool unembedded = false;
    bool repeated = false;
    for (const Node& node : model.items()) {
        StageSyntax stage = parse_stage(node, scope);
        const bool is_first = std::holds_alternative<EmbeddingSyntax>(stage) ||
                              std::holds_alternative<InputSyntax>(stage);
        if (is_first != family.model.empty()) {
            node.refuse("the model begins with its embedding or its input, and has one");
        }
        if (unembedded) {
            const auto* module = std::get_if<ModuleSyntax>(&stage);
            if (module == nullptr || !(std::holds_alternative<ScaleSyntax>(module->kind) ||
                                       std::holds_alternative<SoftCapSyntax>(module->kind))) {
                node.refuse("after the unembedding only \"scale\" and \"soft_cap\" can stand");
            }
        }
        repeated = repeated || std::holds_alternative<RepeatSyntax>(stage);
        unembedded = unembedded || std::holds_alternative<UnembeddingSyntax>(stage);
        family.model.push_back(std::move(stage));
    }
    if (!repeated) {
        model.refuse("the model has no layers: {\"repeat\": ...} is missing");
    }
}

/// A name, or {"tensor": name} with "shape": [extents], "rank": 1 or "copy_of": name.
IgnoredSyntax parse_ignored(const Node& node, Scope& scope) {
    if (!node.value().is_object()) {
        return {scope.ignored_pattern(node), std::nullopt, false, std::nullopt};
    }
    node.allow_keys({"tensor", "shape", "rank", "copy_of"});
    IgnoredSyntax result{
        scope.ignored_pattern(node.at("tensor")), std::vector<Formula>(), false, std::nullopt};
    if (const auto rank = node.find("rank")) {
        if (rank->value() != 1) {
            rank->refuse("is neither left out nor 1: a matrix is ignored in its own shape only");
        }
        return {std::move(result.pattern), std::nullopt, true, std::nullopt};
    }
    if (const auto original = node.find("copy_of")) {
        node.allow_keys({"tensor", "copy_of"});
        return {std::move(result.pattern), std::nullopt, false, scope.pattern(*original, false)};
    }
    for (const Node& extent : node.at("shape").items()) {
        result.shape->push_back(scope.formula(extent));
    }
    return result;
}

void parse_reference_formula(const Node& root, Scope& scope, Family& family) {
    const auto node = root.find("reference_formula");
    if (!node) {
        return;
    }
    node->allow_keys({"name", "when"});
    ReferenceFormula result;
    const Node name = node->at("name");
    result.name = name.text();
    if (result.name != "newhouse-2025") {
        name.refuse(fmt::format("\"{}\" is no formula that is known here; \"newhouse-2025\" is",
                                result.name));
    }
    if (const auto when = node->find("when")) {
        for (const auto& [parameter, words] : when->members()) {
            const auto& among = scope.choice(parameter, words);
            for (const Node& word : words.items()) {
                if (std::find(among.begin(), among.end(), word.text()) == among.end()) {
                    word.refuse(fmt::format("\"{}\" is never \"{}\"", parameter, word.text()));
                }
                result.when[parameter].push_back(word.text());
            }
        }
    }
    family.reference_formula = std::move(result);
}

void refuse_unused_parameters(const Node& root, const Scope& scope, const Family& family) {
    for (const auto& [name, parameter] : family.parameters) {
        if (!scope.is_used(name)) {
            root.at("parameters")
                .at(name)
                .refuse(fmt::format("the parameter \"{}\" is never used", name));
        }
    }
}

}  // namespace

std::vector<Requirement> parse_requirements(const Node& node) {
    std::vector<Requirement> result;
    for (const auto& [key, values] : node.members()) {
        if (key == "note") {
            continue;
        }
        Requirement requirement{key, {}, values.where()};
        for (const Node& value : values.items()) {
            if (value.value().is_structured()) {
                value.refuse("a text, a number, true, false or null was expected");
            }
            requirement.allowed.push_back(value.value());
        }
        if (requirement.allowed.empty()) {
            values.refuse("the list of allowed values is empty");
        }
        result.push_back(std::move(requirement));
    }
    return result;
}

Family parse_family(const nlohmann::json& document, const std::string& file) {
    const Node root(document, file);
    root.allow_keys({"family",
                     "prefix",
                     "recognise",
                     "layout",
                     "parameters",
                     "require",
                     "only_keys",
                     "ignore",
                     "model",
                     "reference_formula"});
    Family family;
    Scope scope;
    family.name = root.at("family").text();
    family.file = file;
    parse_recognition(root, scope, family);
    if (const auto layout = root.find("layout")) {
        scope.set_layout(parse_layout(*layout));
    }
    parse_parameters(root, scope, family);
    if (const auto require = root.find("require")) {
        family.require = parse_requirements(*require);
    }
    if (const auto keys = root.find("only_keys")) {
        family.only_keys.emplace();
        for (const Node& key : keys->items()) {
            family.only_keys->push_back(key.text());
        }
    }
    if (const auto ignore = root.find("ignore")) {
        for (const Node& tensor : ignore->items()) {
            family.ignore.push_back(parse_ignored(tensor, scope));
        }
    }
    parse_model(root, scope, family);
    parse_reference_formula(root, scope, family);
    refuse_unused_parameters(root, scope, family);
    return family;
}

}  // namespace lipcert::language
