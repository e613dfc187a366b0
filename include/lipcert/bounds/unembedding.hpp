#pragma once

#include "lipcert/bounds/affine.hpp"

namespace lipcert {

/// Constants of logits = U x + b for one token [R28].
struct UnembeddingBounds {
    Upper all;                ///< |U|: to the vector of logits
    Upper one;                ///< the largest |u_k|: to one logit
    Upper difference;         ///< at least the largest |u_k - u_l|: to the difference of two logits
    Upper capped_difference;  ///< the same behind a soft-cap, which is not shift invariant
};

[[nodiscard]] UnembeddingBounds unembedding_bounds(MatrixBall unembedding);

}  // namespace lipcert
