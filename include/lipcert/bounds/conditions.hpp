#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/rounding/bound.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lipcert {

/// A number that a condition compares with: a decimal and the double next to it both meet it.
struct MinimumRms {
    double stated = 0.0;
    Lower value;  ///< at most `stated` and the decimal that it was read from
};

struct MaximumNorm {
    double stated = 0.0;
    Upper value;  ///< at least `stated` and the decimal that it was read from
};

/// What is assumed of *both* inputs of a pair [R37]. Names are those of `named_points`.
struct Conditions {
    /// Each token that enters the normalisation, minus its mean for a layer norm, has at least this
    /// root mean square. For a query or key norm: each head's part of each query or key.
    std::map<std::string, MinimumRms> minimum_rms;
    /// Each token of the stream that enters the block has at most this L2 norm.
    std::map<std::string, MaximumNorm> maximum_norm;
    std::string data;  ///< where the numbers come from, as the file states it
};

/// The places of a model that a condition can name, in the order of execution. Pointers go into
/// the architecture.
struct NamedPoints {
    /// By the tensor of gamma, "layer 0 attention norm" where there is none; a name that occurs
    /// before has " #2" and so on behind it.
    std::vector<std::pair<std::string, const Normalisation*>> normalisations;
    /// Blocks as reports name them: "layer 0 attention".
    std::vector<std::pair<std::string, const Module*>> blocks;
};

[[nodiscard]] NamedPoints named_points(const Architecture& architecture);

/// Conditions by the place they are about.
struct ResolvedConditions {
    std::map<const Normalisation*, Lower> minimum_rms;
    std::map<const Module*, Upper> maximum_norm;
};

/// Throws Error{input} for a name that the model does not have, with the names that it has.
[[nodiscard]] ResolvedConditions resolved(const Conditions& conditions,
                                          const Architecture& architecture);

}  // namespace lipcert
