#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "support/random.hpp"
#include "support/witness.hpp"

namespace lipcert::test {

/// A random input of the domain: tokens inside the ball, on its surface, in two opposite points,
/// all equal, all but one equal, along axes, zero, or of widely different lengths.
[[nodiscard]] Matrix random_stream(const SearchOptions& options, Random& random);

/// A second input for `first`: far (independent, mirrored, in reverse order, one step of the same
/// size) or near (steps from 1e-6 to 0.1 of its size).
[[nodiscard]] Matrix random_partner(const Matrix& first,
                                    const SearchOptions& options,
                                    Random& random);

/// Shortens tokens to the ball's radius, a hair inside.
void clip(Matrix& stream, double radius);

}  // namespace lipcert::test
