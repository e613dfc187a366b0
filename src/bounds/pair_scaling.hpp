#pragma once

#include "lipcert/bounds/affine.hpp"

namespace lipcert {

/// The query and the key map of one head.
struct QueryKey {
    AffineMap query, key;  ///< d_h x d
};

/// D q and D^-1 k for a diagonal D > 0 that is equal on the two rows of each rotated pair
/// (p, p + d_h/2), so that it commutes with every rotation [R23]. D is chosen to make
/// |D Wq| |D^-1 Wk| small on the ball of `radius`, biases counted; instead of D^-1 a double that is
/// no smaller is used. Cost: two d_h x d_h Gram matrices and some 300 products with them.
[[nodiscard]] QueryKey balanced_pairs(const QueryKey& head, const Upper& radius);

}  // namespace lipcert
