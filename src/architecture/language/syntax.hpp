#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "architecture/language/module_syntax.hpp"

/// A whole family file after parsing; nothing in it has met a checkpoint yet.
namespace lipcert::language {

struct EmbeddingSyntax {
    Pattern weight;
    std::optional<Pattern> positions, types;
    std::optional<Formula> scale, max_row_norm, rows, width, position_rows, type_rows;
    std::optional<Formula> first_position;
    std::string where;
};

/// In place of an embedding: vectors.
struct InputSyntax {
    Formula width, largest_entry;
    std::optional<Pattern> added, beside;
    std::string where;
};

struct RepeatSyntax {
    Formula count;
    std::string index;  ///< the name of the layer number in patterns and formulas
    std::vector<ModuleSyntax> body;
    std::string where;
};

/// The first of `weights` that the file holds, under its own conditions.
struct UnembeddingSyntax {
    struct Alternative {
        LinearSyntax linear;
        std::vector<Requirement> require;
    };

    std::vector<Alternative> alternatives;
    std::optional<Formula> rows;
    std::string where;
};

using StageSyntax =
    std::variant<EmbeddingSyntax, InputSyntax, RepeatSyntax, UnembeddingSyntax, ModuleSyntax>;

enum class ParameterKind { count, positive, number, activation, choice, rotary, flag };

struct ConfigurationKey {
    std::string key;
};

/// What a family fixes itself: a formula for numbers, a word for the rest.
using FixedValue = std::variant<Expression, std::string, bool>;
using Source = std::variant<ConfigurationKey, FixedValue>;

struct ParameterSyntax {
    ParameterKind kind = ParameterKind::number;
    std::vector<Source> sources;     ///< the first that is there decides
    std::vector<std::string> among;  ///< the words of a choice
    std::string where;
};

/// A tensor that recognition looks for; its extents are formulas over each other: {"d", "3*d"}.
struct ShapeCondition {
    Pattern pattern;
    std::vector<Expression> extents;
};

/// Tensors that bear nothing. Under a name alone a weight could hide: a shape says which of the
/// tensors so called are meant.
struct IgnoredSyntax {
    Pattern pattern;
    std::optional<std::vector<Formula>> shape;  ///< nothing: any shape
    bool is_vector = false;                     ///< any length, one dimension
    std::optional<Pattern> copy_of;             ///< ignored where it holds the same numbers
};

struct ReferenceFormula {
    std::string name;
    std::map<std::string, std::vector<std::string>> when;  ///< choice parameter -> its words
};

struct Family {
    std::string name;
    std::string file;  ///< for messages: a path, or "built-in family llama"
    std::vector<std::string> prefixes = {""};
    std::vector<Requirement> recognised_configuration;
    std::vector<ShapeCondition> recognised_tensors;
    std::vector<Pattern> absent_tensors;  ///< of which none may be there
    std::map<std::string, ParameterSyntax> parameters;
    std::vector<Requirement> require;
    /// Further keys that a configuration of this family may hold; where given, all others are
    /// refused.
    std::optional<std::vector<std::string>> only_keys;
    std::vector<IgnoredSyntax> ignore;
    std::vector<StageSyntax> model;
    std::optional<ReferenceFormula> reference_formula;
};

}  // namespace lipcert::language
