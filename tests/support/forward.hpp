#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

#include "support/dual.hpp"

namespace lipcert::test {

/// What the graph leaves open because no bound depends on it.
struct ForwardOptions {
    double rotary_base = 10000.0;
    /// Of Rotary::partial: the leading share of each head that is rotated.
    double rotary_fraction = 1.0;
    /// Of Rotary::partial: pairs (2i, 2i + 1) instead of halves of the rotated share.
    bool rotary_interleaved = false;
};

/// The middle of an interval: the number that the forward pass computes with.
[[nodiscard]] double midpoint(const Interval& interval);

/// The function that a certificate speaks of, written as plainly as possible and sharing nothing
/// with src/bounds and src/norms: loops over coefficients, one token per row. `Scalar` is double,
/// long double (to measure the rounding of double) or Dual (to differentiate).
class ForwardModel {
public:
    ForwardModel(const Architecture& architecture,
                 const Checkpoint& checkpoint,
                 ForwardOptions options = {});

    /// The embedding stream of `tokens` at positions 0, 1, ...
    [[nodiscard]] Matrix embed(std::span<const std::size_t> tokens) const;

    /// Embedding stream -> end of the last layer.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> blocks(Stream<Scalar> stream) const;

    /// Embedding stream -> logits (the head's output where there is no unembedding).
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> logits(Stream<Scalar> stream) const;

    /// End of the last layer -> logits.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> output(Stream<Scalar> stream) const;

    /// Embedding stream -> end of the layer at `position` in Architecture::layers.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> through_layer(Stream<Scalar> stream, std::size_t position) const;

    /// One module on its own.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> apply(const Module& module, const Stream<Scalar>& stream) const;

    /// Modules one after the other.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> run(const std::vector<Module>& modules,
                                     Stream<Scalar> stream) const;

    [[nodiscard]] const Architecture& architecture() const { return architecture_; }

private:
    /// What enters the first layer: with the constants that a model which reads vectors adds.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> behind_stem(Stream<Scalar> stream) const;
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> linear(const LinearMap& map, const Stream<Scalar>& stream) const;
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> normalise(const Normalisation& norm,
                                           const Stream<Scalar>& stream) const;
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> attend(const Attention& attention,
                                        const Stream<Scalar>& stream) const;
    /// Softmax averages of the rows of `values`, one head; its scores are tau query.key.
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> average(const Attention& attention,
                                         const Stream<Scalar>& query,
                                         const Stream<Scalar>& key,
                                         const Stream<Scalar>& values,
                                         Eigen::Index head) const;
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> gated(const GatedMlp& mlp, const Stream<Scalar>& stream) const;
    template <class Scalar>
    [[nodiscard]] Stream<Scalar> residual(const Residual& residual,
                                          const Stream<Scalar>& stream) const;
    template <class Scalar>
    void rotate(Stream<Scalar>& heads, Rotary rotary) const;

    [[nodiscard]] const Matrix& tensor(const std::string& name) const;
    [[nodiscard]] Vector vector(const std::string& name) const;

    Architecture architecture_;
    ForwardOptions options_;
    std::map<std::string, Matrix> tensors_;
};

}  // namespace lipcert::test
