#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "architecture/language/syntax.hpp"
#include "architecture/match.hpp"
#include "architecture/parameter_value.hpp"

namespace lipcert {

/// The hyper-parameters of one model: read where its family says, when they are first needed.
/// Nothing is ever guessed: a parameter that is nowhere, of the wrong type or out of range is an
/// Error{architecture} that names it, the keys looked for, the place looked at and what to do.
class Parameters {
public:
    /// The three outlive the object; `checkpoint_path` is for messages.
    Parameters(const language::Family& family,
               const Match& match,
               const Configuration& configuration,
               std::string checkpoint_path);

    [[nodiscard]] Interval real(const language::Formula& formula);
    [[nodiscard]] Interval positive(const language::Formula& formula, const std::string& what);
    /// From 0; `size` from 1. Both exact, both at most kLargestCount.
    [[nodiscard]] std::size_t offset(const language::Formula& formula, const std::string& what);
    [[nodiscard]] std::size_t size(const language::Formula& formula, const std::string& what);
    [[nodiscard]] Activation activation(const language::Word& word);
    [[nodiscard]] RotarySetting rotary(const language::Word& word);
    /// Whether none of the keys is there with another value than null or "default".
    [[nodiscard]] bool all_default(const std::vector<std::string>& keys) const;
    [[nodiscard]] bool flag(const language::Switch& value);
    /// The flag parameter `name`; nothing where none of its sources is there.
    [[nodiscard]] std::optional<bool> stated_flag(const std::string& name);
    [[nodiscard]] std::string choice(const std::string& name);

    /// Inside a repeat: the name and the value of the layer number.
    void set_layer(const std::string& index, std::size_t layer);

    void clear_layer() { layer_.reset(); }

    /// Resolves every parameter of the family that can be, and passes over the others.
    void resolve_what_is_there();

    /// Those that were needed, in the order in which they were.
    [[nodiscard]] const std::vector<Architecture::Parameter>& resolved() const { return resolved_; }

    /// "heads = 8 (config.json: n_head)" for every name in the formula.
    [[nodiscard]] std::string explain(const language::Expression& expression);
    /// The same for one parameter that has been resolved.
    [[nodiscard]] std::string explain(const std::string& name) const;

private:
    struct Resolved {
        ParameterValue value;
        std::string text;
        std::string source;
    };

    const Resolved& resolve(const std::string& name);
    /// The first source that is there; nullptr where none is.
    [[nodiscard]] const language::Source* source_in_use(
        const language::ParameterSyntax& syntax) const;
    /// Keys that stand for one parameter must not say two things.
    void refuse_contradiction(const std::string& name,
                              const language::ParameterSyntax& syntax,
                              const std::string& key) const;
    Resolved find(const std::string& name, const language::ParameterSyntax& syntax);
    [[nodiscard]] Resolved from_configuration(const std::string& key,
                                              const nlohmann::json& json,
                                              const language::ParameterSyntax& syntax) const;
    Resolved from_family(const language::FixedValue& fixed,
                         const language::ParameterSyntax& syntax);
    [[noreturn]] void refuse_missing(const std::string& name,
                                     const language::ParameterSyntax& syntax) const;
    [[nodiscard]] std::optional<long> local_number(const std::string& name) const;
    long whole_named(const std::string& name);
    Interval real_named(const std::string& name);
    long whole(const language::Formula& formula, const std::string& what, long smallest);

    const language::Family& family_;
    const Match& match_;
    const Configuration& configuration_;
    std::string checkpoint_path_;
    std::optional<std::pair<std::string, long>> layer_;
    std::map<std::string, Resolved> values_;
    std::set<std::string> in_progress_;
    std::vector<Architecture::Parameter> resolved_;
};

}  // namespace lipcert
