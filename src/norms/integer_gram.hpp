#pragma once

#include "norms/crude_gram.hpp"
#include "norms/integer_kernel.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

/// [S11] The Gram matrix of Q, the matrix W' with the entries of each column rounded to multiples
/// of a power of two, 15 bits and a sign: exact within a panel, and about ten times as fast as
/// float32 on a processor with a tile unit.
[[nodiscard]] CrudeGram form_integer_gram(const SmallerSide& side, const integer::Kernel& kernel);

/// [S11] Bounds |F - Q^T Q|_F for a sum of `panels` panels rounded to float32, `squares` >=
/// |Q|_F^2.
[[nodiscard]] Upper integer_gram_error(Eigen::Index inner,
                                       Eigen::Index size,
                                       std::size_t panels,
                                       const Upper& squares);

}  // namespace lipcert
