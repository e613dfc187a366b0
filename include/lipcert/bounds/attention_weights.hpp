#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/normalisation.hpp"

#include <cstddef>
#include <optional>

namespace lipcert {

/// q^ = gamma o z(q) + beta on each head, as a bound sees it [R16].
struct HeadNorm {
    Upper gain;                             ///< max|gamma_i|
    Upper offset;                           ///< |beta|
    Interval epsilon;                       ///< positive
    std::optional<Lower> minimum_rms = {};  ///< of what is normalised, where that is assumed [R15]
    NormKind kind = NormKind::rms;          ///< layer and rms are bounded alike
};

/// The relative rotations of queries and keys that occur in a stream of at most so many tokens.
struct Rotations {
    RotaryAngles angles;
    std::size_t tokens = 0;  ///< > 0
};

/// Nothing where the number of tokens is not stated or the angles are not known.
[[nodiscard]] std::optional<Rotations> rotations_of(const Attention& attention,
                                                    std::optional<std::size_t> tokens);

/// The magnitude of the factor of q.k: |tau|, or 2 tau in -tau |q - k|^2 [R24], where
/// Error{architecture} meets a negative tau.
[[nodiscard]] Upper product_scale(const Attention& attention);

/// Softmax attention with every constant folded in; outputs x inputs, rows ordered by head.
struct AttentionWeights {
    AffineMap query, key, value, output;
    std::size_t heads = 0;
    std::size_t key_value_heads = 0;  ///< divides heads [R25]
    Upper score_scale;                ///< the factor of q.k [R24]
    Upper output_scale;               ///< factor in front of the output map
    Rotary rotary = Rotary::none;
    std::optional<HeadNorm> query_norm, key_norm;
    bool capped = false;            ///< scores are c tanh(s/c) [R24]
    bool sink = false;              ///< one more key, of value zero and constant score [R24]
    bool squared_distance = false;  ///< scores are -tau |q - k|^2 = 2 tau q.k - ... [R24]
    std::optional<Rotations> rotations = {};  ///< where they are known and limited [R43]
};

}  // namespace lipcert
