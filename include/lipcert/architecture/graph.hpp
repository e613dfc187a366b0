#pragma once

#include "lipcert/architecture/activation.hpp"
#include "lipcert/architecture/model_input.hpp"
#include "lipcert/architecture/output_slice.hpp"
#include "lipcert/rounding/interval.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lipcert {

/// How a stored matrix reads as a linear map.
enum class Layout {
    out_in,  ///< rows are outputs: y = W x (torch.nn.Linear)
    in_out   ///< rows are inputs: y = W^T x (GPT-2's Conv1D, Keras kernels)
};

/// An affine map x -> W x + b, by the names of its tensors.
struct LinearMap {
    std::string weight;
    Layout layout = Layout::out_in;
    std::optional<OutputSlice> slice;
    std::string bias;  ///< empty: none
};

enum class NormKind {
    layer,
    rms,
    unit  ///< x / max(|x|, epsilon): of queries and keys only (cosine attention)
};

/// gamma * z(Px) + beta, z(p) = sqrt(d) p / sqrt(|p|^2 + d epsilon); P centres for layer norm. For
/// `unit` z(p) = p / max(|p|, epsilon).
struct Normalisation {
    NormKind kind = NormKind::layer;
    std::string weight;            ///< empty: gamma = 1
    std::string bias;              ///< empty: beta = 0
    Interval epsilon;              ///< positive
    bool weight_plus_one = false;  ///< gamma = 1 + stored weight (Gemma)
};

enum class Rotary {
    none,
    half_split,  ///< pairs (i, i + head_dim/2), over the whole head
    partial      ///< some other pairing: only rules that hold for every pairing may be used
};

/// By how much a rotary embedding turns entries i and i + r/2 of the leading r of a head: by
/// position * base^(-2i/r). Only bounds of streams of a stated length depend on it.
struct RotaryAngles {
    double base = 10000.0;
    std::optional<std::size_t> rotated = {};  ///< r, even; none: the whole head
};

/// A further key that every token sees: its value is zero, its score a stored number.
struct Sink {
    std::string scores;  ///< one for each query head; empty: 0 ("softmax plus one")
};

/// A constant that every score gets by the distance of its two tokens, as in T5: distances are
/// grouped, near ones one by one, others in logarithmic steps.
struct RelativeBias {
    std::string table;         ///< one row per group of distances, one column per query head
    std::size_t farthest = 0;  ///< at this distance and beyond, all share one row
};

/// Softmax attention. Rows of query, key, value are ordered by head; columns of output likewise.
struct Attention {
    LinearMap query, key, value, output;
    std::size_t heads = 0;
    std::size_t key_value_heads = 0;  ///< divides heads; query head h reads h*kv/heads
    Interval score_scale;             ///< tau: scores = tau q.k
    Rotary rotary = Rotary::none;
    std::optional<RotaryAngles> rotary_angles;  ///< none: not known, or no rotary embedding
    bool causal = true;
    Interval output_scale = Interval::exact(1.0);
    std::optional<Normalisation> query_norm, key_norm;  ///< per head, over head_dim
    std::optional<Interval> score_cap;                  ///< c > 0: scores are c tanh(tau q.k / c)
    std::optional<Sink> sink;
    std::optional<RelativeBias> relative_bias;  ///< added to scores behind a cap [R42]
    bool squared_distance = false;  ///< scores are -tau |q - k|^2 in place of tau q.k [R24]
};

struct Mlp {
    LinearMap in, out;
    Activation activation = Activation::relu;
    Interval activation_scale = Interval::exact(1.0);
};

/// phi(x), entry by entry.
struct Elementwise {
    Activation activation = Activation::relu;
};

/// down( scale * phi(gate x) o (up x) ).
struct GatedMlp {
    LinearMap gate, up, down;
    Activation activation = Activation::silu;
    Interval activation_scale = Interval::exact(1.0);
};

struct Module;

/// skip_scale * (projection x) + branch_scale * body(x).
struct Residual {
    std::vector<Module> body;
    Interval skip_scale = Interval::exact(1.0);
    Interval branch_scale = Interval::exact(1.0);
    std::optional<LinearMap> projection;
};

/// The sum of branches that read the same input.
struct Parallel {
    std::vector<std::vector<Module>> branches;
};

struct Scale {
    Interval factor = Interval::exact(1.0);
};

/// c tanh(x / c), entry by entry.
struct SoftCap {
    Interval cap;
};

struct Module {
    std::variant<LinearMap,
                 Normalisation,
                 Attention,
                 Mlp,
                 GatedMlp,
                 Elementwise,
                 Residual,
                 Parallel,
                 Scale,
                 SoftCap>
        kind;
};

struct Layer {
    std::size_t index = 0;
    std::vector<Module> modules;
};

/// A model as a chain of modules: embedding, stem, layers, head, unembedding.
struct Architecture {
    std::string family;
    std::string source;  ///< where the description came from: "built-in", a path
    Embedding embedding;
    std::vector<Module> stem;  ///< between the embedding and the first layer
    std::vector<Layer> layers;
    std::vector<Module> head;               ///< after the last layer, before the unembedding
    std::optional<LinearMap> unembedding;   ///< hidden -> logits; none: the output is the head's
    std::vector<Module> after_unembedding;  ///< final scale, logit soft-cap
    std::vector<std::string> ignored;       ///< tensors that are in the file and bear nothing

    /// Hyper-parameters as resolved: name, value as text, where it came from.
    struct Parameter {
        std::string name, value, source;
    };

    std::vector<Parameter> parameters;

    /// A tensor and what in the description took it: the pattern, and its place in the document.
    struct Placement {
        std::string tensor, pattern, where;
    };

    std::vector<Placement> placements;  ///< in the order of the description; each tensor once
    std::optional<std::string> reference_formula;  ///< "newhouse-2025" where it applies
};

}  // namespace lipcert
