#include "lipcert/bounds/compose.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/graph_builder.hpp"
#include "support/random.hpp"
#include "support/witness.hpp"
#include "support/witness_inputs.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

/// Weights, biases and an input as one list of numbers, which a search may change freely.
class Genome {
public:
    explicit Genome(Random& random) : numbers_(120) {
        for (double& number : numbers_) {
            number = random.normal();
        }
    }

    Genome mutated(double step, Random& random) const {
        Genome child = *this;
        const double share = random.integer(0, 1) == 0 ? 1.0 : random.uniform(0.02, 0.3);
        for (double& number : child.numbers_) {
            if (random.uniform(0.0, 1.0) < share) {
                number += step * random.normal() * (0.2 + std::abs(number));
            }
        }
        child.next_ = 0;
        return child;
    }

    double number() { return numbers_.at(next_++); }

    Matrix matrix(Index rows, Index cols) {
        Matrix result(rows, cols);
        for (Index i = 0; i < result.size(); ++i) {
            result.data()[i] = number();
        }
        return result;
    }

    Vector vector(Index size) { return matrix(size, 1).reshaped(); }

private:
    std::vector<double> numbers_;
    std::size_t next_ = 0;
};

/// One module, in the smallest size in which its rule can be sharp.
struct Kind {
    std::string name;
    std::size_t heads = 1;
    std::size_t key_value_heads = 1;
    Rotary rotary = Rotary::none;
    bool norms = false;
    bool biases = false;
    bool capped = false;
    bool sink = false;
    bool squared_distance = false;
};

constexpr Index kWidth = 2;
constexpr Index kTokens = 8;

LinearMap linear(GraphBuilder& builder, Genome& genome, Index outputs, bool bias) {
    const Matrix weight = genome.matrix(outputs, kWidth);
    return builder.linear(weight, bias ? genome.vector(outputs) : Vector());
}

Attention attention_of(GraphBuilder& builder, Genome& genome, const Kind& kind) {
    const auto heads = static_cast<Index>(kind.heads);
    const auto groups = static_cast<Index>(kind.key_value_heads);
    Attention attention;
    attention.query = linear(builder, genome, 2 * heads, kind.biases);
    attention.key = linear(builder, genome, 2 * groups, kind.biases);
    attention.value = linear(builder, genome, 2 * groups, kind.biases);
    attention.output = builder.linear(genome.matrix(kWidth, 2 * heads));
    attention.heads = kind.heads;
    attention.key_value_heads = kind.key_value_heads;
    attention.score_scale = Interval::exact(0.7);
    attention.rotary = kind.rotary;
    attention.causal = false;
    if (kind.norms) {
        attention.query_norm = builder.norm(NormKind::rms, 0.3, genome.vector(2));
        attention.key_norm = builder.norm(NormKind::layer, 0.2, genome.vector(2));
    }
    if (kind.capped) {
        attention.score_cap = Interval::exact(0.5);
    }
    if (kind.sink) {
        attention.sink = Sink{};
    }
    attention.squared_distance = kind.squared_distance;
    return attention;
}

Architecture one_layer_on(const Embedding& embedding, const Attention& attention) {
    Architecture architecture = one_layer({{attention}});
    architecture.embedding = embedding;
    return architecture;
}

/// The norm of the Jacobian at the genome's input, as a share of the bound of its weights; less
/// where the scores do not at least triple that bound: the value path alone is sharp too easily.
double share_of_bound(Genome genome, const Kind& kind, Random& random) {
    constexpr double kScoresMatter = 3.0;
    GraphBuilder builder;
    Attention attention = attention_of(builder, genome, kind);
    Architecture architecture = one_layer({{attention}});
    Matrix table = Matrix::Zero(1, kWidth);
    table(0, 0) = std::exp(std::clamp(genome.number(), -3.0, 3.0));
    architecture.embedding.weight = builder.store(table);
    const NetworkBounds bounds = compose(architecture, builder.checkpoint(), {});
    SearchOptions options;
    options.tokens = kTokens;
    options.dimension = kWidth;
    options.radius = bounds.domain.radius.to_double();
    Matrix input = genome.matrix(kTokens, kWidth);
    clip(input, options.radius);
    ForwardOptions rotation;
    rotation.rotary_interleaved = true;
    const ForwardModel model(architecture, builder.checkpoint(), rotation);
    const auto blocks =
        StreamFunction::of([&](const auto& stream) { return model.blocks(stream); });
    const double bound = bounds.blocks_l2.upper.to_double();
    const double share = largest_gain(jacobian(blocks, input), options, random).value / bound;

    attention.score_scale = Interval::exact(0.0);
    const NetworkBounds constant_scores =
        compose(one_layer_on(architecture.embedding, attention), builder.checkpoint(), {});
    return share *
           std::min(1.0, bound / (kScoresMatter * constant_scores.blocks_l2.upper.to_double()));
}

/// The largest share that evolution of weights and input together reaches.
double evolved_share(const Kind& kind, std::size_t generations, Random& random) {
    Genome best(random);
    double best_share = share_of_bound(best, kind, random);
    double step = 0.5;
    for (std::size_t generation = 0; generation < generations; ++generation) {
        const Genome child = best.mutated(step, random);
        const double share = share_of_bound(child, kind, random);
        if (share > best_share) {
            best = child;
            best_share = share;
            step = std::min(1.0, 1.3 * step);
        } else {
            step = step < 1e-3 ? 0.3 : 0.99 * step;
        }
    }
    return best_share;
}

}  // namespace

TEST_CASE("weights and inputs that evolve together approach attention's bounds from below") {
    // A slip of a constant in a rule shows here: the rules are sharp, and the search gets close.
    const std::vector<Kind> kinds = {
        {"one head", 1, 1, Rotary::none, false, false},
        {"one head with biases", 1, 1, Rotary::none, false, true},
        {"two heads", 2, 2, Rotary::none, false, false},
        {"two heads, one key-value head, biases", 2, 1, Rotary::none, false, true},
        {"rotary", 1, 1, Rotary::half_split, false, false},
        {"rotary with biases", 1, 1, Rotary::half_split, false, true},
        {"partial rotary", 2, 1, Rotary::partial, false, true},
        {"query and key norms", 1, 1, Rotary::none, true, false},
        {"query and key norms, rotary", 2, 1, Rotary::half_split, true, true},
        {"capped scores with biases", 1, 1, Rotary::none, false, true, true},
        {"two heads, capped scores", 2, 2, Rotary::none, false, false, true},
        {"sink with biases", 1, 1, Rotary::none, false, true, false, true},
        {"sink, rotary", 1, 1, Rotary::half_split, false, false, false, true},
        {.name = "squared distances with biases", .biases = true, .squared_distance = true},
        {.name = "two heads, squared distances",
         .heads = 2,
         .key_value_heads = 2,
         .squared_distance = true},
    };
    Random random(911);
    for (const Kind& kind : kinds) {
        CAPTURE(kind.name);
        const double share = evolved_share(kind, repetitions(250), random);
        CHECK(share <= 1.0 + 1e-9);
        const bool is_harder = kind.norms || kind.capped || kind.sink || kind.squared_distance;
        CHECK(share >= (is_harder ? 0.15 : 0.35));
    }
}

}  // namespace lipcert::test
