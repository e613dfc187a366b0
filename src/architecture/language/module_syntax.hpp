#pragma once

#include "lipcert/architecture/graph.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "architecture/language/expression.hpp"

/// The modules of a family file after parsing: the same tree as graph.hpp, with formulas instead of
/// numbers and patterns instead of tensors. Everything knows its place in the file (`where`).
namespace lipcert::language {

struct Formula {
    Expression expression;
    std::string where;
};

/// The name of a parameter, or the word itself ("silu", "half_split", "rms").
struct Word {
    std::string text;
    std::string where;
};

/// true, false or the name of a flag parameter.
struct Switch {
    std::variant<bool, std::string> value;
    std::string where;
};

/// A tensor's name with {prefix} and {i} in it.
struct Pattern {
    std::string text;
    bool optional = false;  ///< a '?' behind the name in the file
    std::string flag;       ///< behind the '?': the parameter that says whether it is there
    std::string where;
};

/// A configuration key (dots descend into objects) that must hold one of some values; null stands
/// for "absent or null".
struct Requirement {
    std::string key;
    std::vector<nlohmann::json> allowed;
    std::string where;
};

/// `count` outputs from `first` on, `times` times, `every` outputs apart.
struct SliceSyntax {
    Formula first, count;
    std::optional<Formula> times, every;  ///< both or none
    std::string where;
};

struct LinearSyntax {
    Pattern weight;
    std::optional<Pattern> bias;
    Layout layout = Layout::out_in;
    std::optional<SliceSyntax> slice;
    std::string where;
};

struct NormSyntax {
    Word kind;  ///< "layernorm", "rmsnorm", "unitnorm", or a choice parameter
    std::optional<Pattern> weight, bias;
    Formula epsilon;
    bool plus_one = false;
    std::string where;
};

/// The angles of a rotary embedding, where none of the keys says that they are scaled.
struct RotaryAnglesSyntax {
    Formula base;
    std::vector<std::string> unscaled;  ///< configuration keys that must be null or "default"
};

struct SinkSyntax {
    std::optional<Pattern> scores;
};

struct RelativeBiasSyntax {
    Pattern table;
    Formula farthest;
};

struct AttentionSyntax {
    LinearSyntax query, key, value, output;
    Formula heads, score_scale;
    std::optional<Formula> key_value_heads, head_dim, output_scale;
    Word rotary;
    std::optional<RotaryAnglesSyntax> rotary_angles;
    Switch causal;
    std::optional<NormSyntax> query_norm, key_norm;
    std::optional<Formula> score_cap;
    std::optional<SinkSyntax> sink;
    std::optional<RelativeBiasSyntax> relative_bias;
    bool squared_distance = false;
};

struct MlpSyntax {
    LinearSyntax in, out;
    Word activation;
    std::optional<Formula> scale, width;
};

struct GatedMlpSyntax {
    LinearSyntax gate, up, down;
    Word activation;
    std::optional<Formula> scale, width;
};

struct ElementwiseSyntax {
    Word activation;
};

struct ModuleSyntax;

struct ResidualSyntax {
    std::vector<ModuleSyntax> body;
    std::optional<Formula> skip_scale, branch_scale;
    std::optional<LinearSyntax> projection;
};

struct ParallelSyntax {
    std::vector<std::vector<ModuleSyntax>> branches;
};

struct ScaleSyntax {
    Formula factor;
};

struct SoftCapSyntax {
    Formula cap;
};

struct ModuleSyntax {
    std::variant<LinearSyntax,
                 NormSyntax,
                 AttentionSyntax,
                 MlpSyntax,
                 GatedMlpSyntax,
                 ElementwiseSyntax,
                 ResidualSyntax,
                 ParallelSyntax,
                 ScaleSyntax,
                 SoftCapSyntax>
        kind;
    std::string where;
};

}  // namespace lipcert::language
