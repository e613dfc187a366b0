#include "lipcert/error.hpp"

#include <algorithm>
#include <utility>

#include "architecture/graph_builder.hpp"
#include "architecture/lookup.hpp"
#include "architecture/shape_check.hpp"
#include <fmt/format.h>

namespace lipcert {

using namespace language;

namespace {

/// A family whose layers share their tensors would otherwise let a configuration fill the memory.
constexpr std::size_t kMostLayers = 65536;

}  // namespace

Architecture GraphBuilder::build() {
    result_.family = family_.name;
    result_.source = family_.file;
    for (const StageSyntax& syntax : family_.model) {
        std::visit([this](const auto& kind) { stage(kind); }, syntax);
    }
    // Without an unembedding the last modules are the head; with one they stand behind it.
    auto& rest = result_.unembedding ? result_.after_unembedding : result_.head;
    rest = std::move(pending_);
    if (family_.reference_formula) {
        bool applies = true;
        for (const auto& [name, words] : family_.reference_formula->when) {
            const std::string word = parameters_.choice(name);
            applies = applies && std::find(words.begin(), words.end(), word) != words.end();
        }
        if (applies) {
            result_.reference_formula = family_.reference_formula->name;
        }
    }
    result_.parameters = parameters_.resolved();
    return std::move(result_);
}

void GraphBuilder::stage(const EmbeddingSyntax& syntax) {
    Embedding& embedding = result_.embedding;
    embedding.weight = tensor(syntax.weight);
    embedding.positions = tensor(syntax.positions);
    embedding.scale = scale(syntax.scale);
    if (syntax.max_row_norm) {
        embedding.max_row_norm =
            parameters_.positive(*syntax.max_row_norm, "the largest norm of a row");
    }
    const LinearSize table = size_of({embedding.weight, Layout::out_in, {}, {}}, checkpoint_);
    expect(embedding.weight, table.outputs, syntax.rows, "the number of rows");
    expect(embedding.weight, table.inputs, syntax.width, "the length of a row");
    if (!embedding.positions.empty()) {
        const LinearSize positions =
            size_of({embedding.positions, Layout::out_in, {}, {}}, checkpoint_);
        expect(embedding.positions, positions.outputs, syntax.position_rows, "the number of rows");
        if (syntax.first_position) {
            embedding.first_position =
                parameters_.offset(*syntax.first_position, "the row of the first position");
        }
    }
    embedding.types = tensor(syntax.types);
    if (!embedding.types.empty()) {
        const LinearSize types = size_of({embedding.types, Layout::out_in, {}, {}}, checkpoint_);
        expect(embedding.types, types.outputs, syntax.type_rows, "the number of rows");
    }
}

void GraphBuilder::stage(const InputSyntax& syntax) {
    VectorInput vectors;
    vectors.width = parameters_.size(syntax.width, "the length of a vector of the input");
    vectors.largest_entry =
        parameters_.positive(syntax.largest_entry, "the largest entry of a vector of the input");
    vectors.added = tensor(syntax.added);
    vectors.beside = tensor(syntax.beside);
    result_.embedding.vectors = std::move(vectors);
}

void GraphBuilder::stage(const RepeatSyntax& syntax) {
    const std::size_t count = parameters_.size(syntax.count, "the number of layers");
    if (count > kMostLayers) {
        throw Error(ErrorKind::architecture,
                    syntax.count.where,
                    fmt::format("{} layers: more than {} cannot be meant ({})",
                                count,
                                kMostLayers,
                                parameters_.explain(syntax.count.expression)));
    }
    if (result_.layers.empty()) {
        result_.stem = std::move(pending_);
    } else if (!pending_.empty()) {
        // The graph has no place between two stacks of layers, so that such modules are a layer.
        result_.layers.push_back({result_.layers.size(), std::move(pending_)});
    }
    pending_.clear();
    index_ = syntax.index;
    layers_text_ = parameters_.explain(syntax.count.expression);
    if (layers_text_.empty()) {
        layers_text_ = fmt::format("there should be {}", count);
    }
    for (layer_ = 0; layer_ < count; ++layer_) {
        parameters_.set_layer(index_, layer_);
        result_.layers.push_back({result_.layers.size(), body(syntax.body)});
    }
    parameters_.clear_layer();
    index_.clear();
}

void GraphBuilder::refuse_untied(const std::string& name,
                                 std::span<const UnembeddingSyntax::Alternative> others) const {
    const TensorInfo* chosen = checkpoint_.find(name);
    for (const auto& other : others) {
        const TensorInfo* tied = checkpoint_.find(expanded(other.linear.weight));
        const bool applies = std::none_of(
            other.require.begin(), other.require.end(), [this](const Requirement& requirement) {
                return violation(requirement, configuration_).has_value();
            });
        // Another width is refused with both shapes by check_shapes.
        const bool comparable = tied != nullptr && tied->shape.size() == chosen->shape.size() &&
                                tied->shape.back() == chosen->shape.back();
        if (comparable && applies &&
            (tied->shape != chosen->shape ||
             checkpoint_.read(*tied) != checkpoint_.read(*chosen))) {
            throw Error(ErrorKind::architecture,
                        checkpoint_.path(),
                        fmt::format("{} is stored and differs from {}, to which the configuration "
                                    "ties the unembedding: programs would run one or the other; "
                                    "set \"tie_word_embeddings\" to false, or take {} out",
                                    name,
                                    tied->name,
                                    name));
        }
    }
}

void GraphBuilder::stage(const UnembeddingSyntax& syntax) {
    std::string names;
    for (std::size_t i = 0; i < syntax.alternatives.size(); ++i) {
        const auto& alternative = syntax.alternatives[i];
        const std::string name = expanded(alternative.linear.weight);
        names += (names.empty() ? "" : ", ") + name;
        if (checkpoint_.find(name) == nullptr) {
            continue;
        }
        for (const Requirement& requirement : alternative.require) {
            if (const auto wrong = violation(requirement, configuration_)) {
                throw Error(ErrorKind::architecture,
                            checkpoint_.path(),
                            fmt::format("the unembedding cannot be {}: {}", name, *wrong));
            }
        }
        refuse_untied(name, std::span(syntax.alternatives).subspan(i + 1));
        result_.unembedding = linear(alternative.linear);
        expect(name,
               size_of(*result_.unembedding, checkpoint_).outputs,
               syntax.rows,
               "the number of logits");
        result_.head = std::move(pending_);
        pending_.clear();
        return;
    }
    throw Error(
        ErrorKind::architecture,
        checkpoint_.path(),
        fmt::format(
            "there is no unembedding: none of {} is in the file (see {})", names, syntax.where));
}

void GraphBuilder::stage(const ModuleSyntax& syntax) {
    for (Module& module : body({syntax})) {
        pending_.push_back(std::move(module));
    }
}

}  // namespace lipcert
