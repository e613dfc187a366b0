#include "architecture/language/patterns.hpp"

#include <optional>
#include <utility>

namespace lipcert::language {

namespace {

class Collection {
public:
    std::vector<Pattern> run(const Family& family) {
        for (const StageSyntax& stage : family.model) {
            std::visit([this](const auto& kind) { (*this)(kind); }, stage);
        }
        return std::move(patterns_);
    }

private:
    void add(const std::optional<Pattern>& pattern) {
        if (pattern) {
            patterns_.push_back(*pattern);
        }
    }

    void operator()(const EmbeddingSyntax& syntax) {
        add(syntax.weight);
        add(syntax.positions);
        add(syntax.types);
    }

    void operator()(const InputSyntax& syntax) {
        add(syntax.added);
        add(syntax.beside);
    }

    void operator()(const RepeatSyntax& syntax) { walk(syntax.body); }

    void operator()(const UnembeddingSyntax& syntax) {
        for (const auto& alternative : syntax.alternatives) {
            (*this)(alternative.linear);
        }
    }

    void operator()(const ModuleSyntax& syntax) {
        std::visit([this](const auto& kind) { (*this)(kind); }, syntax.kind);
    }

    void operator()(const LinearSyntax& syntax) {
        add(syntax.weight);
        add(syntax.bias);
    }

    void operator()(const NormSyntax& syntax) {
        add(syntax.weight);
        add(syntax.bias);
    }

    void operator()(const AttentionSyntax& syntax) {
        for (const LinearSyntax* map :
             {&syntax.query, &syntax.key, &syntax.value, &syntax.output}) {
            (*this)(*map);
        }
        for (const auto* norm : {&syntax.query_norm, &syntax.key_norm}) {
            if (*norm) {
                (*this)(**norm);
            }
        }
        if (syntax.sink) {
            add(syntax.sink->scores);
        }
        if (syntax.relative_bias) {
            add(syntax.relative_bias->table);
        }
    }

    void operator()(const MlpSyntax& syntax) {
        (*this)(syntax.in);
        (*this)(syntax.out);
    }

    void operator()(const GatedMlpSyntax& syntax) {
        (*this)(syntax.gate);
        (*this)(syntax.up);
        (*this)(syntax.down);
    }

    void operator()(const ElementwiseSyntax& /*syntax*/) {}

    void operator()(const ResidualSyntax& syntax) {
        walk(syntax.body);
        if (syntax.projection) {
            (*this)(*syntax.projection);
        }
    }

    void operator()(const ParallelSyntax& syntax) {
        for (const auto& branch : syntax.branches) {
            walk(branch);
        }
    }

    void operator()(const ScaleSyntax& /*syntax*/) {}

    void operator()(const SoftCapSyntax& /*syntax*/) {}

    void walk(const std::vector<ModuleSyntax>& modules) {
        for (const ModuleSyntax& module : modules) {
            (*this)(module);
        }
    }

    std::vector<Pattern> patterns_;
};

}  // namespace

std::vector<Pattern> patterns_of(const Family& family) {
    return Collection().run(family);
}

}  // namespace lipcert::language
