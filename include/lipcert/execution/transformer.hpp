#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace lipcert {

/// Runs the function that a certificate speaks of, in float64 with rounding to nearest: what comes
/// out is a measurement, never a bound. Streams are n x d, one token per row; one call runs one
/// sequence from position 0. All weights are held in memory as doubles.
class Transformer {
public:
    /// Reads every tensor of the model. Throws Error{architecture} where one is missing. Running
    /// throws it where the graph leaves open what only execution needs: the angles of a rotary
    /// embedding.
    Transformer(const Architecture& architecture, const Checkpoint& checkpoint);

    /// The embedding stream of `tokens` at positions 0, 1, ... Throws Error{input} for a token
    /// beyond the vocabulary, or more tokens than learned positions.
    [[nodiscard]] Matrix embed(std::span<const std::size_t> tokens) const;
    /// Embedding stream -> end of the last layer.
    [[nodiscard]] Matrix blocks(Matrix stream) const;
    /// Embedding stream -> logits (the head's output where there is no unembedding).
    [[nodiscard]] Matrix logits(Matrix stream) const;

private:
    [[nodiscard]] Matrix run(const std::vector<Module>& modules, Matrix stream) const;

    [[nodiscard]] Matrix apply(const LinearMap& map, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const Normalisation& norm, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const Attention& attention, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const Mlp& mlp, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const GatedMlp& mlp, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const Residual& residual, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const Parallel& parallel, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const Scale& scale, const Matrix& stream) const;
    [[nodiscard]] Matrix apply(const SoftCap& cap, const Matrix& stream) const;

    [[nodiscard]] Vector vector(const std::string& name) const;

    Architecture architecture_;
    std::map<std::string, Matrix> tensors_;  ///< tables and vectors as stored
    std::map<std::string, Matrix> maps_;     ///< linear maps, inputs x outputs
};

}  // namespace lipcert
