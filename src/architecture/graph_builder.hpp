#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "architecture/language/syntax.hpp"
#include "architecture/parameters.hpp"

namespace lipcert {

/// Turns the syntax of a family into the graph of one model: formulas become numbers, patterns
/// become tensors that are there. Throws Error{architecture} for a pattern that names no tensor,
/// and for a size that the file states and the tensor does not have.
class GraphBuilder {
public:
    GraphBuilder(const language::Family& family,
                 const Match& match,
                 const Checkpoint& checkpoint,
                 const Configuration& configuration);

    [[nodiscard]] Architecture build();

private:
    // Stages (graph_stages.cpp)
    void stage(const language::EmbeddingSyntax& syntax);
    void stage(const language::InputSyntax& syntax);
    void stage(const language::RepeatSyntax& syntax);
    void stage(const language::UnembeddingSyntax& syntax);
    void stage(const language::ModuleSyntax& syntax);

    /// A stored unembedding must equal the tensors that the configuration ties it to.
    void refuse_untied(const std::string& name,
                       std::span<const language::UnembeddingSyntax::Alternative> others) const;

    // Modules; those that a "none" removes append nothing.
    [[nodiscard]] std::vector<Module> body(const std::vector<language::ModuleSyntax>& modules);
    void append(std::vector<Module>& to, const language::LinearSyntax& syntax);
    void append(std::vector<Module>& to, const language::NormSyntax& syntax);
    void append(std::vector<Module>& to, const language::AttentionSyntax& syntax);
    void append(std::vector<Module>& to, const language::MlpSyntax& syntax);
    void append(std::vector<Module>& to, const language::GatedMlpSyntax& syntax);
    void append(std::vector<Module>& to, const language::ElementwiseSyntax& syntax);
    void append(std::vector<Module>& to, const language::ResidualSyntax& syntax);
    void append(std::vector<Module>& to, const language::ParallelSyntax& syntax);
    void append(std::vector<Module>& to, const language::ScaleSyntax& syntax);
    void append(std::vector<Module>& to, const language::SoftCapSyntax& syntax);

    [[nodiscard]] LinearMap linear(const language::LinearSyntax& syntax);
    [[nodiscard]] OutputSlice slice(const language::SliceSyntax& syntax);
    [[nodiscard]] std::optional<Normalisation> norm(const language::NormSyntax& syntax);
    [[nodiscard]] Interval scale(const std::optional<language::Formula>& formula);

    /// The name of the tensor; "" where the pattern is optional and there is none.
    [[nodiscard]] std::string tensor(const language::Pattern& pattern);
    [[nodiscard]] std::string tensor(const std::optional<language::Pattern>& pattern);
    [[nodiscard]] std::string expanded(const language::Pattern& pattern) const;
    void check_consistent(const language::Pattern& pattern, const std::string& name, bool is_there);
    void check_stated(const language::Pattern& pattern, const std::string& name, bool is_there);
    [[noreturn]] void refuse_dangling(const language::Pattern& pattern, const std::string& name);

    /// What a formula of the family says about an extent must be what the tensor has.
    void expect(const std::string& tensor,
                std::size_t found,
                const std::optional<language::Formula>& formula,
                const std::string& what);
    void expect_heads(const Attention& attention,
                      const language::Formula& head_dim,
                      const language::Formula& heads);

    const language::Family& family_;
    const Match& match_;
    const Checkpoint& checkpoint_;
    const Configuration& configuration_;
    Parameters parameters_;
    Architecture result_;
    std::vector<Module> pending_;  ///< modules that no stem, layer or head has claimed yet
    std::string index_;            ///< of the repeat that is being expanded
    std::size_t layer_ = 0;
    std::string layers_text_;  ///< "layers = 6 (config.json: n_layer)"
    std::map<std::string, std::pair<bool, std::string>> optional_found_;
    std::set<std::string> placed_;
};

}  // namespace lipcert
