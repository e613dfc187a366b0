#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/conditions.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/certificate/evidence.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What is proved about one stored matrix.
struct MatrixBound {
    std::string name;
    std::string role;  ///< its place in the model; empty where only norms were asked for
    std::optional<std::size_t> layer;
    std::size_t rows = 0, cols = 0;  ///< as stored
    std::string type;                ///< "float16", ...
    SpectralNorm norm;
};

/// The file that was certified.
struct ModelIdentity {
    std::string path;
    std::string format;
    std::string sha256;  ///< of the file's bytes, lower-case hexadecimal
    std::uint64_t parameters = 0;
    std::string types;  ///< "float16", "float16 float32"
};

/// A limit that the user set, and whether it provably holds.
struct Limit {
    std::string kind;      ///< "max-lipschitz", "max-spectral-norm", "max-activation"
    std::string quantity;  ///< which bound or tensor decided: "max_token_rms", a tensor name
    std::string text;      ///< as the user wrote it
    Upper actual;
    bool holds = false;
};

/// Bounds for the pairs of inputs of which both meet conditions [R37]; never instead of the
/// unconditional ones, to which limits apply.
struct ConditionalBounds {
    Conditions conditions;
    NetworkBounds bounds;  ///< none is above its unconditional counterpart
};

struct Certificate {
    ModelIdentity model;
    Architecture architecture;
    NetworkBounds bounds;
    std::vector<MatrixBound> matrices;  ///< in the order of execution
    std::vector<Limit> limits;
    std::optional<ConditionalBounds> conditional;
    std::optional<Evidence> evidence;  ///< where it was asked for

    [[nodiscard]] bool within_limits() const;
};

}  // namespace lipcert
