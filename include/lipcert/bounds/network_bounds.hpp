#pragma once

#include "lipcert/rounding/bound.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// A proved bound and the rules of docs/theorems.md that prove it ("R21", "R14 R13").
struct Bound {
    Upper upper;
    std::string rule;
};

/// What one rule gives for a block, or for a part of it; the bound is made from the least of each
/// part.
struct RuleValue {
    std::string part;  ///< "values and keys", "query", "mlp", ...
    std::string rule;  ///< "R21"
    Upper upper;       ///< of the module itself, max-token L2; of an MLP with its skip path
};

/// One residual block (or one module outside of a residual) of a layer.
struct BlockBound {
    std::string kind;  ///< "attention", "mlp", "gated mlp", "linear", "norm", ...
    Upper lipschitz;   ///< of the whole block, skip path included, max-token L2
    std::string rule;
    Upper radius_in;  ///< of the residual stream, L2 norm of one token
    Upper radius_out;
    std::vector<RuleValue> alternatives = {};  ///< every rule that was tried, in the order of trial
};

struct LayerBound {
    std::size_t index = 0;
    std::vector<BlockBound> blocks;
    Upper cumulative;  ///< embedding stream -> end of this layer
};

/// The set of input streams on which the bounds hold.
struct Domain {
    bool everything = false;  ///< every stream in R^(n x d), any n
    bool embeddings = false;  ///< mixtures of token embeddings, plus one of positions [R29]
    bool vectors = false;  ///< the model reads vectors, such as patches, in place of tokens [R41]
    std::size_t longest_stream =
        0;                     ///< of it, those of at most so many tokens [R43]; 0: any number
    bool conditional = false;  ///< of it, those that meet conditions [R37]
    Upper radius;  ///< otherwise: every token in this L2 ball; always a bound of the embeddings
    /// The radius as reports print it: the radius itself is this decimal, so that what is printed
    /// is the ball on which the bounds hold, not a rounding of it.
    std::string radius_decimal;
    std::size_t dimension = 0;
};

/// Everything that the composition proves, before limits are applied. Norms are those of
/// docs/theorems.md: |X| = the largest norm of a token.
struct NetworkBounds {
    Domain domain;
    std::size_t output_dimension = 0;
    Bound max_token_rms;  ///< embeddings -> logits, RMS norms
    Bound max_token_l2;   ///< embeddings -> logits, L2 norms
    Bound blocks_l2;      ///< embeddings -> end of the last layer (before the final norm)
    Bound logit;          ///< max-token L2 -> one logit
    Bound logit_difference;
    std::optional<Bound> frobenius;  ///< needs a sequence length
    std::size_t sequence_length = 0;
    Upper max_activation;  ///< every entry of the residual stream, over the embeddings' ball
    std::vector<BlockBound> stem;
    std::vector<LayerBound> layers;
    std::vector<BlockBound> head;
    std::optional<Upper> reference_formula;  ///< arXiv 2507.13338; not a bound
    std::optional<Bound> reference_repaired;
};

/// Takes over what `other`, proved for the same model and at least as many inputs, bounds better
/// [R0]: the composed bounds, those up to each layer, the largest activation. Blocks stay.
void keep_smaller(NetworkBounds& bounds, const NetworkBounds& other);

}  // namespace lipcert
