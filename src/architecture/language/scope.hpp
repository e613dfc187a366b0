#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "architecture/language/node.hpp"
#include "architecture/language/syntax.hpp"

namespace lipcert::language {

/// What the words "count", "positive", ... in a family file stand for.
[[nodiscard]] const std::map<std::string, ParameterKind>& parameter_kinds();
/// The words that a value of `kind` can be; empty for numbers and choices.
[[nodiscard]] const std::vector<std::string>& words_of(ParameterKind kind);

/// The names that can be used at one place of a family file, and the parsing of the leaves in which
/// they are used. Remembers which ones were, because a parameter that is never used is a mistake.
class Scope {
public:
    void declare_prefix() { has_prefix_ = true; }

    void declare_size(const std::string& name) { sizes_.insert(name); }

    /// Refuses at `node` a name that is taken or that a formula cannot contain.
    void declare_parameter(const std::string& name, ParameterKind kind, const Node& node);
    void declare_choice(const std::string& name, std::vector<std::string> among);

    /// From here to `leave_repeat` the name at `index` is the layer number, in patterns and
    /// formulas. Refuses one that is taken.
    void enter_repeat(const Node& index);

    void leave_repeat() { index_.clear(); }

    void set_layout(Layout layout) { layout_ = layout; }

    [[nodiscard]] Layout layout() const { return layout_; }

    /// A number or a formula over declared names.
    [[nodiscard]] Formula formula(const Node& node);
    [[nodiscard]] std::optional<Formula> optional_formula(const Node& parent,
                                                          const std::string& key);
    [[nodiscard]] Expression expression(const Node& node, const std::string& text);
    /// The name of a parameter of `kind`, or one of the words that such a parameter can hold.
    [[nodiscard]] Word word(const Node& node, ParameterKind kind);
    [[nodiscard]] Switch flag(const Node& node);
    /// A tensor's name; every placeholder must be in scope, and so must the flag behind a '?'.
    [[nodiscard]] Pattern pattern(const Node& node, bool may_be_optional);
    [[nodiscard]] std::optional<Pattern> optional_pattern(const Node& parent,
                                                          const std::string& key);
    /// A name in "ignore": {i} is any number, * any text.
    [[nodiscard]] Pattern ignored_pattern(const Node& node) const;
    /// The choice parameter `name`, for conditions on it.
    [[nodiscard]] const std::vector<std::string>& choice(const std::string& name, const Node& node);

    [[nodiscard]] bool is_used(const std::string& name) const { return used_.count(name) != 0; }

private:
    void use_number(const std::string& name, const Node& node);
    void check_placeholders(const std::string& text, const Node& node, bool any_index) const;

    bool has_prefix_ = false;
    Layout layout_ = Layout::out_in;
    std::string index_;
    std::set<std::string> sizes_;
    std::map<std::string, ParameterKind> parameters_;
    std::map<std::string, std::vector<std::string>> choices_;
    std::set<std::string> used_;
};

}  // namespace lipcert::language
