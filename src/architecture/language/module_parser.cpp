#include <algorithm>
#include <functional>

#include "architecture/language/parser.hpp"
#include <fmt/format.h>

namespace lipcert::language {

namespace {

/// [first, count] or {"first", "count", "times", "every"}.
SliceSyntax parse_slice(const Node& node, Scope& scope) {
    if (node.value().is_object()) {
        node.allow_keys({"first", "count", "times", "every"});
        return {scope.formula(node.at("first")),
                scope.formula(node.at("count")),
                scope.formula(node.at("times")),
                scope.formula(node.at("every")),
                node.where()};
    }
    const auto ends = node.items();
    if (ends.size() != 2) {
        node.refuse("a slice is [first output, number of outputs]");
    }
    return {scope.formula(ends[0]), scope.formula(ends[1]), {}, {}, node.where()};
}

/// "name.weight" or {"weight", "bias", "layout", "slice"}.
LinearSyntax parse_linear(const Node& node, Scope& scope, bool weight_may_be_optional = false) {
    LinearSyntax result;
    result.where = node.where();
    result.layout = scope.layout();
    if (node.value().is_string()) {
        result.weight = scope.pattern(node, weight_may_be_optional);
        return result;
    }
    node.allow_keys({"weight", "bias", "layout", "slice"});
    result.weight = scope.pattern(node.at("weight"), weight_may_be_optional);
    result.bias = scope.optional_pattern(node, "bias");
    if (const auto layout = node.find("layout")) {
        result.layout = parse_layout(*layout);
    }
    if (const auto slice = node.find("slice")) {
        result.slice = parse_slice(*slice, scope);
    }
    return result;
}

NormSyntax parse_norm(const Node& node, Scope& scope, const std::string& key) {
    NormSyntax result;
    result.where = node.where();
    if (key == "norm") {
        node.allow_keys({"kind", "weight", "bias", "epsilon", "plus_one"});
        const Node kind = node.at("kind");
        result.kind = {kind.text(), kind.where()};
        for (const std::string& word : scope.choice(result.kind.text, kind)) {
            if (word != "none" && word != "rmsnorm" && word != "layernorm") {
                kind.refuse(
                    fmt::format("the choice \"{}\" can be \"{}\"; a norm is one of "
                                "\"none\", \"rmsnorm\", \"layernorm\"",
                                result.kind.text,
                                word));
            }
        }
    } else {
        node.allow_keys({"weight", "bias", "epsilon", "plus_one"});
        result.kind = {key == "layer_norm"  ? "layernorm"
                       : key == "unit_norm" ? "unitnorm"
                                            : "rmsnorm",
                       node.where()};
    }
    result.weight = scope.optional_pattern(node, "weight");
    result.bias = scope.optional_pattern(node, "bias");
    result.epsilon = scope.formula(node.at("epsilon"));
    if (const auto plus_one = node.find("plus_one")) {
        result.plus_one = plus_one->flag();
    }
    return result;
}

/// {"rms_norm": {...}}, {"layer_norm": {...}} or {"unit_norm": {...}} inside an attention.
std::optional<NormSyntax> parse_head_norm(const Node& parent,
                                          const std::string& key,
                                          Scope& scope) {
    const auto node = parent.find(key);
    if (!node) {
        return std::nullopt;
    }
    node->allow_keys({"layer_norm", "rms_norm", "unit_norm"});
    const std::string kind = node->has("layer_norm")  ? "layer_norm"
                             : node->has("unit_norm") ? "unit_norm"
                                                      : "rms_norm";
    return parse_norm(node->at(kind), scope, kind);
}

RotaryAnglesSyntax parse_rotary_angles(const Node& node, Scope& scope) {
    node.allow_keys({"base", "unscaled"});
    RotaryAnglesSyntax result;
    result.base = scope.formula(node.at("base"));
    if (const auto keys = node.find("unscaled")) {
        for (const Node& key : keys->items()) {
            result.unscaled.push_back(key.text());
        }
    }
    return result;
}

/// "scores": "dot_product" (as without it) or "squared_distance". |q|^2 falls out of the softmax
/// only where all keys' scores get it as it is.
bool parse_squared_distance(const Node& node) {
    const auto scores = node.find("scores");
    if (!scores || scores->text() == "dot_product") {
        return false;
    }
    if (scores->text() != "squared_distance") {
        scores->refuse(
            fmt::format("\"{}\" is no kind of scores; expected \"dot_product\" or "
                        "\"squared_distance\"",
                        scores->text()));
    }
    for (const char* key : {"q_norm", "k_norm", "score_cap", "sink"}) {
        if (const auto other = node.find(key)) {
            other->refuse(
                fmt::format("scores that are squared distances are bounded without \"{}\" only; "
                            "expected none, or scores that are dot products",
                            key));
        }
    }
    return true;
}

AttentionSyntax parse_attention(const Node& node, Scope& scope) {
    node.allow_keys({"q",
                     "k",
                     "v",
                     "o",
                     "heads",
                     "kv_heads",
                     "head_dim",
                     "score_scale",
                     "scores",
                     "rotary",
                     "rotary_angles",
                     "causal",
                     "output_scale",
                     "q_norm",
                     "k_norm",
                     "score_cap",
                     "sink",
                     "relative_bias"});
    AttentionSyntax result;
    result.query = parse_linear(node.at("q"), scope);
    result.key = parse_linear(node.at("k"), scope);
    result.value = parse_linear(node.at("v"), scope);
    result.output = parse_linear(node.at("o"), scope);
    result.heads = scope.formula(node.at("heads"));
    result.key_value_heads = scope.optional_formula(node, "kv_heads");
    result.head_dim = scope.optional_formula(node, "head_dim");
    result.score_scale = scope.formula(node.at("score_scale"));
    result.squared_distance = parse_squared_distance(node);
    result.output_scale = scope.optional_formula(node, "output_scale");
    // Both decide which rules may be used, so that a file has to say them.
    result.rotary = scope.word(node.at("rotary"), ParameterKind::rotary);
    result.causal = scope.flag(node.at("causal"));
    if (const auto angles = node.find("rotary_angles")) {
        result.rotary_angles = parse_rotary_angles(*angles, scope);
    }
    result.query_norm = parse_head_norm(node, "q_norm", scope);
    result.key_norm = parse_head_norm(node, "k_norm", scope);
    result.score_cap = scope.optional_formula(node, "score_cap");
    if (const auto sink = node.find("sink")) {
        sink->allow_keys({"scores"});
        result.sink = SinkSyntax{scope.optional_pattern(*sink, "scores")};
    }
    if (const auto bias = node.find("relative_bias")) {
        bias->allow_keys({"table", "farthest"});
        result.relative_bias = RelativeBiasSyntax{scope.pattern(bias->at("table"), false),
                                                  scope.formula(bias->at("farthest"))};
    }
    return result;
}

MlpSyntax parse_mlp(const Node& node, Scope& scope) {
    node.allow_keys({"in", "out", "activation", "scale", "width"});
    return {parse_linear(node.at("in"), scope),
            parse_linear(node.at("out"), scope),
            scope.word(node.at("activation"), ParameterKind::activation),
            scope.optional_formula(node, "scale"),
            scope.optional_formula(node, "width")};
}

GatedMlpSyntax parse_gated_mlp(const Node& node, Scope& scope) {
    node.allow_keys({"gate", "up", "down", "activation", "scale", "width"});
    return {parse_linear(node.at("gate"), scope),
            parse_linear(node.at("up"), scope),
            parse_linear(node.at("down"), scope),
            scope.word(node.at("activation"), ParameterKind::activation),
            scope.optional_formula(node, "scale"),
            scope.optional_formula(node, "width")};
}

std::vector<ModuleSyntax> parse_body(const Node& node, Scope& scope);

ResidualSyntax parse_residual(const Node& node, Scope& scope) {
    node.allow_keys({"residual", "skip", "branch", "projection"});
    ResidualSyntax result;
    result.body = parse_body(node.at("residual"), scope);
    result.skip_scale = scope.optional_formula(node, "skip");
    result.branch_scale = scope.optional_formula(node, "branch");
    if (const auto projection = node.find("projection")) {
        result.projection = parse_linear(*projection, scope, true);
    }
    return result;
}

ParallelSyntax parse_parallel(const Node& node, Scope& scope) {
    ParallelSyntax result;
    for (const Node& branch : node.items()) {
        result.branches.push_back(parse_body(branch, scope));
    }
    if (result.branches.size() < 2) {
        node.refuse("parallel branches are at least two lists of modules");
    }
    return result;
}

/// Modules of one key, by that key.
ModuleSyntax parse_single(const Node& node, Scope& scope) {
    using Read = std::function<decltype(ModuleSyntax::kind)(const Node&, Scope&)>;
    static const std::map<std::string, Read> readers = {
        {"linear", [](const Node& n, Scope& s) { return parse_linear(n, s); }},
        {"layer_norm", [](const Node& n, Scope& s) { return parse_norm(n, s, "layer_norm"); }},
        {"rms_norm", [](const Node& n, Scope& s) { return parse_norm(n, s, "rms_norm"); }},
        {"norm", [](const Node& n, Scope& s) { return parse_norm(n, s, "norm"); }},
        {"attention", parse_attention},
        {"mlp", parse_mlp},
        {"gated_mlp", parse_gated_mlp},
        {"activation",
         [](const Node& n, Scope& s) {
             return ElementwiseSyntax{s.word(n, ParameterKind::activation)};
         }},
        {"parallel", parse_parallel},
        {"scale", [](const Node& n, Scope& s) { return ScaleSyntax{s.formula(n)}; }},
        {"soft_cap", [](const Node& n, Scope& s) { return SoftCapSyntax{s.formula(n)}; }},
    };
    node.allow_keys({"linear",
                     "layer_norm",
                     "rms_norm",
                     "norm",
                     "attention",
                     "mlp",
                     "gated_mlp",
                     "activation",
                     "residual",
                     "parallel",
                     "scale",
                     "soft_cap"});
    const auto found = std::find_if(
        readers.begin(), readers.end(), [&](const auto& reader) { return node.has(reader.first); });
    if (found == readers.end() || node.value().size() != (node.has("note") ? 2U : 1U)) {
        node.refuse("a module is an object with one key that names its kind");
    }
    return {found->second(node.at(found->first), scope), node.where()};
}

ModuleSyntax parse_module(const Node& node, Scope& scope) {
    if (node.has("residual")) {
        return {parse_residual(node, scope), node.where()};
    }
    return parse_single(node, scope);
}

std::vector<ModuleSyntax> parse_body(const Node& node, Scope& scope) {
    std::vector<ModuleSyntax> result;
    for (const Node& item : node.items()) {
        result.push_back(parse_module(item, scope));
    }
    if (result.empty()) {
        node.refuse("a list of modules was expected; this one is empty");
    }
    return result;
}

EmbeddingSyntax parse_embedding(const Node& node, Scope& scope) {
    EmbeddingSyntax result;
    result.where = node.where();
    if (node.value().is_string()) {
        result.weight = scope.pattern(node, false);
        return result;
    }
    node.allow_keys({"weight",
                     "positions",
                     "types",
                     "scale",
                     "max_row_norm",
                     "rows",
                     "width",
                     "position_rows",
                     "type_rows",
                     "first_position"});
    result.weight = scope.pattern(node.at("weight"), false);
    result.positions = scope.optional_pattern(node, "positions");
    result.types = scope.optional_pattern(node, "types");
    result.scale = scope.optional_formula(node, "scale");
    result.max_row_norm = scope.optional_formula(node, "max_row_norm");
    result.rows = scope.optional_formula(node, "rows");
    result.width = scope.optional_formula(node, "width");
    result.position_rows = scope.optional_formula(node, "position_rows");
    result.type_rows = scope.optional_formula(node, "type_rows");
    result.first_position = scope.optional_formula(node, "first_position");
    return result;
}

/// {"width": formula, "largest_entry": formula, "added": name, "beside": name}
InputSyntax parse_input(const Node& node, Scope& scope) {
    node.allow_keys({"width", "largest_entry", "added", "beside"});
    InputSyntax result;
    result.where = node.where();
    result.width = scope.formula(node.at("width"));
    result.largest_entry = scope.formula(node.at("largest_entry"));
    result.added = scope.optional_pattern(node, "added");
    result.beside = scope.optional_pattern(node, "beside");
    return result;
}

RepeatSyntax parse_repeat(const Node& node, Scope& scope) {
    node.allow_keys({"repeat", "index", "body"});
    RepeatSyntax result;
    result.where = node.where();
    result.count = scope.formula(node.at("repeat"));
    result.index = node.at("index").text();
    scope.enter_repeat(node.at("index"));
    result.body = parse_body(node.at("body"), scope);
    scope.leave_repeat();
    return result;
}

UnembeddingSyntax parse_unembedding(const Node& node, Scope& scope) {
    node.allow_keys({"unembedding", "rows"});
    UnembeddingSyntax result;
    const Node alternatives = node.at("unembedding");
    result.where = alternatives.where();
    result.rows = scope.optional_formula(node, "rows");
    for (const Node& item : alternatives.items()) {
        UnembeddingSyntax::Alternative alternative;
        if (item.value().is_object()) {
            item.allow_keys({"linear", "require"});
            alternative.linear = parse_linear(item.at("linear"), scope);
            if (const auto require = item.find("require")) {
                alternative.require = parse_requirements(*require);
            }
        } else {
            alternative.linear = parse_linear(item, scope);
        }
        result.alternatives.push_back(std::move(alternative));
    }
    if (result.alternatives.empty()) {
        alternatives.refuse("at least one matrix was expected");
    }
    return result;
}

}  // namespace

Layout parse_layout(const Node& node) {
    const std::string text = node.text();
    if (text != "out_in" && text != "in_out") {
        node.refuse(
            fmt::format("\"{}\" is no layout; \"out_in\" (y = W x, rows are outputs) and "
                        "\"in_out\" (y = W^T x, rows are inputs) are",
                        text));
    }
    return text == "out_in" ? Layout::out_in : Layout::in_out;
}

StageSyntax parse_stage(const Node& node, Scope& scope) {
    if (node.has("embedding")) {
        node.allow_keys({"embedding"});
        return parse_embedding(node.at("embedding"), scope);
    }
    if (node.has("input")) {
        node.allow_keys({"input"});
        return parse_input(node.at("input"), scope);
    }
    if (node.has("repeat")) {
        return parse_repeat(node, scope);
    }
    if (node.has("unembedding")) {
        return parse_unembedding(node, scope);
    }
    return parse_module(node, scope);
}

}  // namespace lipcert::language
