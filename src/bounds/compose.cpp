#include "lipcert/bounds/compose.hpp"

#include "lipcert/bounds/embedding.hpp"
#include "lipcert/bounds/embedding_hull.hpp"
#include "lipcert/bounds/reference_formula.hpp"
#include "lipcert/bounds/rules.hpp"
#include "lipcert/bounds/unembedding.hpp"
#include "lipcert/error.hpp"

#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "bounds/module_kind.hpp"
#include "bounds/search_scope.hpp"
#include "bounds/unrolled.hpp"
#include "bounds/walk.hpp"

namespace lipcert {

namespace {

constexpr const char* kHead = "head";

/// The composition as it goes: the stream since the embeddings, and what to report of it.
class Composition {
public:
    Composition(const Checkpoint& checkpoint,
                const ComposeOptions& options,
                const ResolvedConditions& conditions,
                const std::optional<Upper>& sqrt_sequence_length,
                std::optional<std::size_t> longest_stream,
                StreamBounds start)
        : walk_(checkpoint, sqrt_sequence_length, options.effort, conditions, longest_stream),
          checkpoint_(checkpoint),
          options_(options),
          maximum_norm_(conditions.maximum_norm),
          stream_(std::move(start)),
          largest_radius_(stream_.ball_radius) {}

    /// Also follow what blocks read of each other [R30], until a module that it does not cover.
    void unroll(InputTokens tokens) {
        unrolled_.emplace(checkpoint_, std::move(tokens), options_.effort);
    }

    /// Modules one after the other, one report entry each. `fold_read_next`: what follows the last
    /// of them can take a normalisation's gamma and beta into its weights.
    std::vector<BlockBound> pass(const std::vector<Module>& modules,
                                 const std::string& where,
                                 bool fold_read_next) {
        std::vector<BlockBound> blocks;
        for (std::size_t i = 0; i < modules.size(); ++i) {
            const bool keep = i + 1 < modules.size() ? reads_fold(modules[i + 1]) : fold_read_next;
            blocks.push_back(pass_one(modules[i], where, keep));
            // What a final normalisation, scale or map makes of the stream is the head's own; its
            // residual sums are counted by the walk.
            if (where != kHead) {
                mark_boundary();
            }
        }
        return blocks;
    }

    /// [R41] constants that are added to the tokens and tokens that are put beside them.
    void join(const ConstantTokens& constants) {
        unrolled_.reset();
        stream_ = Walk::materialised(stream_);
        for (Upper* radius : {&stream_.ball_radius, &stream_.domain_radius}) {
            *radius = max(*radius, constants.largest_beside) + constants.largest_added;
        }
        stream_.rule = joined_rules({stream_.rule, "R41"});
        mark_boundary();
    }

    /// The stream as it stands, with a pending gamma and beta applied.
    [[nodiscard]] StreamBounds visible() const { return Walk::materialised(stream_); }

    [[nodiscard]] const StreamBounds& stream() const { return stream_; }

    /// The bound of U (x - x') from what the blocks write, where that is followed [R30].
    [[nodiscard]] std::optional<Upper> unrolled_difference(const MatrixBall& read) const {
        return unrolled_ ? std::optional<Upper>(unrolled_->difference(read)) : std::nullopt;
    }

    /// The largest norm of a token, over the embeddings' ball, of the embeddings, of every residual
    /// sum so far (nested ones included) and wherever `mark_boundary` was called.
    [[nodiscard]] Upper largest_radius() const { return max(largest_radius_, stream_.largest_sum); }

private:
    /// The stream as it stands is part of the residual stream, whatever module it comes from.
    void mark_boundary() { largest_radius_ = max(largest_radius_, visible().ball_radius); }

    BlockBound pass_one(const Module& module, const std::string& where, bool keep_fold) {
        const std::string kind = kind_of(module);
        const std::string label = where + " " + kind;
        if (options_.progress) {
            options_.progress(label);
        }
        if (options_.searches != nullptr) {
            options_.searches->enter(label);
        }
        StreamBounds before = stream_;
        before.lipschitz = before.frobenius = Upper::exact(1.0);
        before.rule.clear();
        before.alternatives.clear();
        before.norm.reset();  // a block's own constant does not contain the one before it
        if (const auto at = maximum_norm_.find(&module); at != maximum_norm_.end()) {
            // [R37] holds for both inputs, so every rule may use it. It is about the tokens that
            // enter, a pending gamma and beta applied; the radii here are those without.
            before = Walk::materialised(before);
            before.ball_radius = min(before.ball_radius, at->second);
            before.domain_radius = min(before.domain_radius, at->second);
        }
        StreamBounds after = walk_.through(before, module, label);
        if (!keep_fold) {
            after = Walk::materialised(after);
        }
        BlockBound block{kind,
                         after.lipschitz,
                         after.rule,
                         before.ball_radius,
                         after.ball_radius,
                         std::move(after.alternatives)};
        after.alternatives.clear();
        after.lipschitz *= stream_.lipschitz;  // [R4]
        after.frobenius *= stream_.frobenius;
        after.rule = joined_rules({stream_.rule, after.rule});
        if (unrolled_ && Unrolled::understands(module)) {
            unrolled_->pass(module, label, stream_.lipschitz, before.domain_radius);
            block.radius_out = keep_smaller(after);
        } else {
            unrolled_.reset();
        }
        stream_ = std::move(after);
        return block;
    }

    /// [R31] the better of the module's own bounds and the unrolled ones. Returns the radius.
    Upper keep_smaller(StreamBounds& after) const {
        if (unrolled_->lipschitz() < after.lipschitz) {
            after.lipschitz = unrolled_->lipschitz();
            after.rule = joined_rules({after.rule, "R30"});
        }
        after.ball_radius = min(after.ball_radius, unrolled_->radius());
        after.domain_radius = min(after.domain_radius, unrolled_->radius());
        return after.ball_radius;
    }

    Walk walk_;
    const Checkpoint& checkpoint_;
    const ComposeOptions& options_;
    std::map<const Module*, Upper> maximum_norm_;
    std::optional<Unrolled> unrolled_;
    StreamBounds stream_;
    Upper largest_radius_;
};

/// What the modules behind the unembedding do to logits.
struct LogitTail {
    Upper factor = Upper::exact(1.0);
    bool capped = false;
    std::string rule;
};

LogitTail read_tail(const std::vector<Module>& modules) {
    LogitTail tail;
    for (const Module& module : modules) {
        if (const auto* scale = std::get_if<Scale>(&module.kind)) {
            tail.factor *= scale->factor.magnitude();
        } else if (const auto* cap = std::get_if<SoftCap>(&module.kind);
                   cap != nullptr && cap->cap.is_positive()) {
            tail.capped = true;  // [R17]
            tail.rule = "R17";
        } else {
            throw Error(ErrorKind::architecture,
                        "after the unembedding",
                        "only a scale or a positive soft-cap may follow the unembedding; other "
                        "modules have no proved rule there");
        }
    }
    return tail;
}

/// The head's output is the model's output: one entry, or the difference of two, of a vector.
UnembeddingBounds entries_of_output() {
    const Upper one = Upper::exact(1.0);
    const Upper root_two = sqrt(Upper::exact(2.0));
    return {one, one, root_two, root_two};
}

struct Output {
    UnembeddingBounds constants;
    std::optional<Upper> read;  ///< |U dx| from the blocks' sum, where that is followed [R30]
    StreamBounds input;         ///< the stream that the constants are applied to
    std::size_t dimension = 0;
    std::string rule;
};

Output read_output(const Architecture& architecture,
                   const Checkpoint& checkpoint,
                   const Composition& composition) {
    if (!architecture.unembedding) {
        const StreamBounds end = composition.visible();
        return {entries_of_output(), std::nullopt, end, end.width, ""};
    }
    const std::string where = "unembedding";
    const StreamBounds& end = composition.stream();
    AffineMap map = read_affine(checkpoint, *architecture.unembedding, where);
    if (static_cast<std::size_t>(map.weight.cols()) != end.width) {
        throw Error(ErrorKind::architecture,
                    where,
                    "'" + architecture.unembedding->weight + "' reads vectors of " +
                        std::to_string(map.weight.cols()) + " numbers, but the stream has " +
                        std::to_string(end.width));
    }
    if (end.fold) {
        map = folded(std::move(map), *end.fold);
    }
    const std::optional<Upper> read = composition.unrolled_difference(map.weight);
    const auto outputs = static_cast<std::size_t>(map.weight.rows());
    return {unembedding_bounds(std::move(map.weight)), read, end, outputs, "R28"};
}

void bound_output(const Output& output,
                  const LogitTail& tail,
                  const std::optional<Upper>& sqrt_sequence_length,
                  NetworkBounds& bounds) {
    const Upper reached = output.input.lipschitz * tail.factor;
    const std::string rule = joined_rules({output.input.rule, output.rule, tail.rule});
    bounds.output_dimension = output.dimension;
    bounds.max_token_l2 = {reached * output.constants.all, rule};
    if (output.read) {
        bounds.max_token_l2.upper = min(bounds.max_token_l2.upper, *output.read * tail.factor);
        bounds.max_token_l2.rule = joined_rules({rule, "R30"});
    }
    // [R35] RMS = L2 / sqrt(width)
    const Upper units =
        sqrt(Upper::of_count(bounds.domain.dimension) / Lower::of_count(output.dimension));
    bounds.max_token_rms = {units * bounds.max_token_l2.upper, joined_rules({rule, "R35"})};
    bounds.logit = {reached * output.constants.one, rule};
    bounds.logit_difference = {
        reached * (tail.capped ? output.constants.capped_difference : output.constants.difference),
        rule};
    if (sqrt_sequence_length) {
        // [R27] module by module, or from the max-token norm as a whole.
        const Upper frobenius = output.input.frobenius * tail.factor * output.constants.all;
        bounds.frobenius = {min(frobenius, *sqrt_sequence_length * bounds.max_token_l2.upper),
                            joined_rules({rule, "R27"})};
    }
}

/// The rows that tokens are mixtures of, scaled as they are read [R29].
std::vector<MatrixBall> tables_of(const Embedding& embedding, const Checkpoint& checkpoint) {
    const std::string where = "embedding";
    std::vector<MatrixBall> tables = {scaled_by(
        MatrixBall::of(read_matrix(checkpoint, embedding.weight, where)), embedding.scale)};
    if (!embedding.positions.empty()) {
        tables.push_back(MatrixBall::of(read_matrix(checkpoint, embedding.positions, where)));
    }
    return tables;
}

Domain domain_of(const Architecture& architecture,
                 const EmbeddingBounds& embedding,
                 const ComposeOptions& options) {
    Domain domain;
    domain.everything = holds_everywhere(architecture);
    domain.conditional = options.conditions != nullptr;
    domain.vectors = architecture.embedding.vectors.has_value();
    domain.longest_stream = options.longest_stream.value_or(0);
    domain.dimension = embedding.dimension;
    // The domain is the ball that reports print, not one that their rounding would enlarge.
    domain.radius_decimal = embedding.radius.to_decimal(6);
    domain.radius = Upper::parse(domain.radius_decimal);
    return domain;
}

StreamBounds start_of(const EmbeddingBounds& embedding, const Domain& domain) {
    StreamBounds start;
    start.width = embedding.dimension;
    start.ball_radius = domain.radius;
    start.domain_radius = domain.everything ? Upper::infinity() : domain.radius;
    return start;
}

/// sqrt(n + beside) for streams of n tokens, where n is stated.
std::optional<Upper> sqrt_of_tokens(const std::optional<std::size_t>& stated, std::size_t beside) {
    return stated ? std::optional(sqrt(Upper::of_count(*stated) + Upper::of_count(beside)))
                  : std::nullopt;
}

NetworkBounds compose_from(const Architecture& architecture,
                           const Checkpoint& checkpoint,
                           const ComposeOptions& options,
                           const std::vector<MatrixBall>& tables) {
    const SearchScope scope(options.searches);
    const LogitTail tail = read_tail(architecture.after_unembedding);
    const EmbeddingBounds embedding = embedding_bounds(architecture.embedding, checkpoint);
    const ResolvedConditions conditions = options.conditions == nullptr
                                              ? ResolvedConditions()
                                              : resolved(*options.conditions, architecture);
    NetworkBounds bounds;
    bounds.domain = domain_of(architecture, embedding, options);
    bounds.sequence_length = options.sequence_length.value_or(0);
    const std::size_t beside = tokens_beside(architecture.embedding, checkpoint);
    const std::optional<Upper> sqrt_tokens = sqrt_of_tokens(options.sequence_length, beside);
    std::optional<std::size_t> longest_stream = options.longest_stream;
    if (longest_stream) {
        *longest_stream += beside;
    }
    Composition composition(checkpoint,
                            options,
                            conditions,
                            sqrt_tokens,
                            longest_stream,
                            start_of(embedding, bounds.domain));
    const bool is_followed =
        !tables.empty() || options.effort == Effort::max ||
        (options.effort == Effort::standard && embedding.dimension <= kWidestUnrolled);
    if (!bounds.domain.everything && architecture.stem.empty() && is_followed) {
        composition.unroll({embedding.dimension, bounds.domain.radius, tables});
    }
    const bool unembeds = architecture.unembedding.has_value();

    bounds.stem = composition.pass(architecture.stem, "stem", false);
    if (const auto& vectors = architecture.embedding.vectors) {
        composition.join(constant_tokens(*vectors, checkpoint, composition.stream().width));
    }
    for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
        const Layer& layer = architecture.layers[i];
        const bool last = i + 1 == architecture.layers.size();
        LayerBound bound;
        bound.index = layer.index;
        bound.blocks = composition.pass(layer.modules,
                                        "layer " + std::to_string(layer.index),
                                        last && architecture.head.empty() && unembeds);
        bound.cumulative = composition.visible().lipschitz;
        bounds.layers.push_back(std::move(bound));
    }
    const StreamBounds blocks_end = composition.visible();
    bounds.blocks_l2 = {blocks_end.lipschitz, blocks_end.rule};
    bounds.head = composition.pass(architecture.head, kHead, unembeds);
    bounds.max_activation = composition.largest_radius();

    bound_output(read_output(architecture, checkpoint, composition), tail, sqrt_tokens, bounds);
    if (bounds.domain.conditional) {
        return bounds;  // what follows is about the whole domain
    }
    if (auto reference = reference_bounds(architecture, checkpoint, bounds.domain.radius)) {
        bounds.reference_formula = reference->formula;
        bounds.reference_repaired = reference->repaired;
    }
    return bounds;
}

/// More effort searches in other steps, and may by chance find less: it keeps the better of both.
NetworkBounds best_from(const Architecture& architecture,
                        const Checkpoint& checkpoint,
                        const ComposeOptions& options,
                        const std::vector<MatrixBall>& tables) {
    NetworkBounds bounds = compose_from(architecture, checkpoint, options, tables);
    if (options.effort == Effort::max) {
        ComposeOptions usual = options;
        usual.effort = Effort::standard;
        keep_smaller(bounds, compose_from(architecture, checkpoint, usual, tables));
    }
    return bounds;
}

}  // namespace

NetworkBounds compose(const Architecture& architecture,
                      const Checkpoint& checkpoint,
                      const ComposeOptions& options) {
    return best_from(architecture, checkpoint, options, {});
}

std::optional<std::string> obstacle_to_embeddings(const Architecture& architecture) {
    if (holds_everywhere(architecture)) {
        return "the bounds hold for every stream, whatever the embeddings are";
    }
    if (!architecture.stem.empty()) {
        return "a module stands between the embeddings and the first block";
    }
    if (architecture.embedding.vectors) {
        return "the model reads vectors, not tokens";
    }
    if (architecture.embedding.max_row_norm) {
        return "embeddings are shortened at look-up, so that the stored ones are not what is read";
    }
    if (!architecture.embedding.types.empty()) {
        return "types of tokens are added to the embeddings";
    }
    const auto& first =
        architecture.layers.empty() ? architecture.head : architecture.layers.front().modules;
    if (first.empty() || !Unrolled::understands(first.front())) {
        return "the first block is none that is bounded from the embeddings it reads (R30)";
    }
    return std::nullopt;
}

NetworkBounds compose_on_embeddings(const Architecture& architecture,
                                    const Checkpoint& checkpoint,
                                    const ComposeOptions& options) {
    if (const auto obstacle = obstacle_to_embeddings(architecture)) {
        throw Error(ErrorKind::architecture,
                    "inputs that are mixtures of embeddings",
                    "give no bound of their own here: " + *obstacle);
    }
    NetworkBounds bounds =
        best_from(architecture, checkpoint, options, tables_of(architecture.embedding, checkpoint));
    bounds.domain.embeddings = true;
    return bounds;
}

}  // namespace lipcert
