#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstddef>
#include <string>

namespace lipcert {

/// How many entries a linear map reads and writes.
struct LinearSize {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
};

/// Of the slice, if the map is one. Throws Error{architecture} for a tensor that is not a matrix
/// and for a slice that leaves it.
[[nodiscard]] LinearSize size_of(const LinearMap& map, const Checkpoint& checkpoint);

/// Walks the model from the embedding to the output and checks that every tensor has the shape that
/// its place needs, that heads divide what they must, and that the slices of a fused tensor cover
/// it. Throws Error{architecture} that names the tensor, its shape and the expected one.
void check_shapes(const Architecture& architecture, const Checkpoint& checkpoint);

}  // namespace lipcert
