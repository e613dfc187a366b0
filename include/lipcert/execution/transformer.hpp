#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/execution/stream.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
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
/// one after the other, each from position 0, all of one length. All weights are held in memory.
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
    /// the model reads vectors instead of tokens. Running
    /// throws it where the graph leaves open what only execution needs: the angles of a rotary
    /// embedding.
    BasicTransformer(const Architecture& architecture, const Checkpoint& checkpoint);
    BasicTransformer(const BasicTransformer&) = delete;
    BasicTransformer& operator=(const BasicTransformer&) = delete;
    BasicTransformer(BasicTransformer&&) = delete;
    BasicTransformer& operator=(BasicTransformer&&) = delete;
    ~BasicTransformer() = default;

    /// The embedding stream of `tokens` at positions 0, 1, ... (from 0 again for every sequence).
    /// Throws Error{input} for a token beyond the vocabulary, or more tokens than learned
    /// positions.
    [[nodiscard]] Values embed(std::span<const std::size_t> tokens,
                               Eigen::Index sequence_length = 0) const;
    /// Embedding stream -> end of the last layer.
    [[nodiscard]] Values blocks(Values stream, const Pass& pass = {}) const;
    /// Embedding stream -> logits (the head's output where there is no unembedding).
    [[nodiscard]] Values logits(Values stream, const Pass& pass = {}) const;
    /// One module on its own, such as a block.
    [[nodiscard]] Values apply(const Module& module,
                               const Values& stream,
                               const Pass& pass = {}) const;
    [[nodiscard]] Values apply(const LinearMap& map, const Values& stream, const Pass& pass) const;

    [[nodiscard]] const Architecture& architecture() const { return architecture_; }

    /// How many tokens fit into the learned positions; the largest number where there are none.
    [[nodiscard]] Eigen::Index longest_sequence() const;

    [[nodiscard]] Eigen::Index vocabulary_size() const {
        return tensor(architecture_.embedding.weight).rows();
    }

    /// Inputs x outputs, of the outputs that the map's slice reads.
    [[nodiscard]] const Weights& weight(const LinearMap& map) const;
    /// 1 x d: gamma, with one added where the norm counts from it; ones where there is none.
    [[nodiscard]] Weights gain(const Normalisation& norm, Eigen::Index width) const;
    /// The score of the key that every token sees beside the others, if there is one.
    [[nodiscard]] std::optional<typename Weights::Scalar> sink_score(const Attention& attention,
                                                                     Eigen::Index head) const;
    /// Query x key: what the scores of one head get by distance, for a sequence of this length.
    [[nodiscard]] Values relative_bias(const Attention& attention,
                                       Eigen::Index head,
                                       Eigen::Index length) const;

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

    [[nodiscard]] const Weights& tensor(const std::string& name) const;

    Architecture architecture_;
    std::map<std::string, Weights> tensors_;  ///< tables as stored, vectors as one row
    std::map<std::string, Weights> maps_;     ///< linear maps by tensor and slice
};

using Transformer = BasicTransformer<double>;
using FastTransformer = BasicTransformer<float>;
using EnclosingTransformer = BasicTransformer<EnclosedNumber>;

extern template class BasicTransformer<double>;
extern template class BasicTransformer<float>;
extern template class BasicTransformer<EnclosedNumber>;

}  // namespace lipcert
