#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/execution/model_weights.hpp"
#include "lipcert/execution/stream.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace lipcert {

/// Is told what a run comes across. References go into the architecture of the Transformer.
class Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    Observer(Observer&&) = delete;
    Observer& operator=(Observer&&) = delete;
    virtual ~Observer() = default;

    /// What a stream reaches.
    struct Extent {
        std::size_t width = 0;       ///< of a token
        double largest_entry = 0.0;  ///< absolute
        double largest_rms = 0.0;    ///< of a token
    };

    /// The stream behind a module of the outermost chain (a block).
    virtual void after_block(const Module& block, const Extent& extent) = 0;
    /// The smallest root mean square of what a normalisation divides, after the mean of a layer
    /// norm is subtracted.
    virtual void at_norm(const Normalisation& norm, double smallest_rms) = 0;
    /// The largest |score| of the heads, tau and cap included.
    virtual void at_scores(const Attention& attention, double largest_score) = 0;
};

/// How a stream is run.
struct Pass {
    Eigen::Index sequence_length = 0;  ///< rows of one sequence; 0: all rows are one
    Observer* observer = nullptr;      ///< not for EnclosedNumber
};

/// Runs the function that a certificate speaks of. Streams hold one token per row: whole sequences
/// one after the other, each from position 0, all of one length. What enters is the embedding
/// stream or, in a model that reads vectors, these; all weights are held in memory.
///
/// Scalar double or float: rounded to nearest, so what comes out is a measurement, never a bound.
/// EnclosedNumber: 128-bit ends rounded outward, so the exact result lies inside. A hyper-parameter
/// that the architecture knows as an interval is taken to be one number of it, the same in every
/// run; bounds hold for each of them.
template <class Scalar>
class BasicTransformer {
public:
    using Values = Stream<Scalar>;
    using Weights = Coefficients<Scalar>;

    /// Reads every tensor of the model. Throws Error{architecture} where one is missing, or where
    /// there are no positions for a single token. Running throws it where the graph leaves open
    /// what only execution needs: the angles of a rotary embedding.
    BasicTransformer(const Architecture& architecture, const Checkpoint& checkpoint);
    BasicTransformer(const BasicTransformer&) = delete;
    BasicTransformer& operator=(const BasicTransformer&) = delete;
    BasicTransformer(BasicTransformer&&) = delete;
    BasicTransformer& operator=(BasicTransformer&&) = delete;
    ~BasicTransformer() = default;

    /// The embedding stream of `tokens` at positions 0, 1, ... (from 0 again for every sequence).
    /// Throws Error{input} for a token beyond the vocabulary, or more tokens than learned
    /// positions, Error{architecture} where the model reads vectors.
    [[nodiscard]] Values embed(std::span<const std::size_t> tokens,
                               Eigen::Index sequence_length = 0) const;
    /// What enters the first layer, of what leaves the stem: of a model that reads vectors, with
    /// its constant tokens before every sequence and its constants added [R41]; else the same.
    /// Throws Error{input} for more tokens than there are constants for.
    [[nodiscard]] Values join_constants(Values stream, const Pass& pass = {}) const;
    /// What enters the model -> end of the last layer.
    [[nodiscard]] Values blocks(Values stream, const Pass& pass = {}) const;
    /// What enters the model -> logits (the head's output where there is no unembedding).
    [[nodiscard]] Values logits(Values stream, const Pass& pass = {}) const;
    /// One module on its own, such as a block.
    [[nodiscard]] Values apply(const Module& module,
                               const Values& stream,
                               const Pass& pass = {}) const;
    [[nodiscard]] Values apply(const LinearMap& map, const Values& stream, const Pass& pass) const;

    [[nodiscard]] const Architecture& architecture() const { return architecture_; }

    [[nodiscard]] const ModelWeights<Scalar>& weights() const { return weights_; }

    /// How many tokens that enter fit into the learned positions; the largest number where there
    /// are none.
    [[nodiscard]] Eigen::Index longest_sequence() const { return longest_sequence_; }

    /// Of a model that reads tokens.
    [[nodiscard]] Eigen::Index vocabulary_size() const {
        return weights_.tensor(architecture_.embedding.weight).rows();
    }

private:
    [[nodiscard]] Values run(const std::vector<Module>& modules,
                             const Values& stream,
                             const Pass& pass) const;
    [[nodiscard]] Values run_blocks(const std::vector<Module>& modules,
                                    Values stream,
                                    const Pass& pass) const;

    [[nodiscard]] Values apply(const Normalisation& norm,
                               const Values& stream,
                               const Pass& pass) const;
    [[nodiscard]] Values apply(const Attention& attention,
                               const Values& stream,
                               const Pass& pass) const;
    /// Queries or keys of all heads: the map, the norm of each head, the rotation.
    [[nodiscard]] Values head_parts(const LinearMap& map,
                                    const std::optional<Normalisation>& norm,
                                    Eigen::Index heads,
                                    const Attention& attention,
                                    const Values& stream,
                                    const Pass& pass) const;
    [[nodiscard]] Values apply(const Mlp& mlp, const Values& stream, const Pass& pass) const;
    [[nodiscard]] Values apply(const GatedMlp& mlp, const Values& stream, const Pass& pass) const;
    [[nodiscard]] Values apply(const Elementwise& module,
                               const Values& stream,
                               const Pass& pass) const;
    [[nodiscard]] Values apply(const Residual& residual,
                               const Values& stream,
                               const Pass& pass) const;
    [[nodiscard]] Values apply(const Parallel& parallel,
                               const Values& stream,
                               const Pass& pass) const;
    [[nodiscard]] Values apply(const Scale& scale, const Values& stream, const Pass& pass) const;
    [[nodiscard]] Values apply(const SoftCap& cap, const Values& stream, const Pass& pass) const;

    /// `pass` behind the stem, where sequences may be longer.
    [[nodiscard]] Pass behind_stem(const Pass& pass) const;

    Architecture architecture_;
    ModelWeights<Scalar> weights_;
    Eigen::Index tokens_beside_ = 0;  ///< constant tokens before those that enter [R41]
    Eigen::Index longest_sequence_ = 0;
};

using Transformer = BasicTransformer<double>;
using FastTransformer = BasicTransformer<float>;
using EnclosingTransformer = BasicTransformer<EnclosedNumber>;

extern template class BasicTransformer<double>;
extern template class BasicTransformer<float>;
extern template class BasicTransformer<EnclosedNumber>;

}  // namespace lipcert
