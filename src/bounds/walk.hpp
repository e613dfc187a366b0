#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/conditions.hpp"
#include "lipcert/bounds/effort.hpp"
#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <optional>
#include <string>
#include <vector>

#include "bounds/mlp_block.hpp"

namespace lipcert {

/// A normalisation whose constant K is a factor of the chain.
struct NormInChain {
    Upper excess;  ///< 1/sqrt(epsilon) / K: 1 unless a condition made K smaller [R39] [R15]
    std::optional<Shell> shell;  ///< where its outputs lie, if a condition says so [R40]
};

/// What is known of the stream between two modules, relative to the start of the current chain.
struct StreamBounds {
    std::size_t width = 0;
    Upper ball_radius;    ///< of a token, for inputs in the ball of the embeddings
    Upper domain_radius;  ///< of a token, for inputs in the domain; +inf where there is no bound
    Upper lipschitz = Upper::exact(1.0);  ///< since the start of the chain, max-token norm [R4]
    Upper frobenius = Upper::exact(1.0);  ///< the same in the Frobenius norm [R27]
    /// A normalisation whose gamma and beta have not been applied: the stream is z, and the next
    /// linear maps take them into their weights [R14].
    std::optional<Fold> fold;
    /// Set while the constant of the pending normalisation is part of `lipschitz`, so that what
    /// reads it may be bounded together with it.
    std::optional<NormInChain> norm;
    /// Of every sum of a residual or of parallel branches so far, nested ones included, over the
    /// ball.
    Upper largest_sum;
    /// Of every attention so far, nested ones included, over the ball.
    std::optional<Upper> largest_score;
    std::string rule;
    std::vector<RuleValue> alternatives;  ///< of the modules since the start of the chain
};

/// Bounds modules one after the other; reads the tensors of one module at a time.
class Walk {
public:
    Walk(const Checkpoint& checkpoint,
         Upper sqrt_sequence_length,
         Effort effort,
         ResolvedConditions conditions,
         std::optional<std::size_t> longest_stream = std::nullopt)
        : checkpoint_(checkpoint),
          sqrt_sequence_length_(std::move(sqrt_sequence_length)),
          effort_(effort),
          conditions_(std::move(conditions)),
          longest_stream_(longest_stream) {}

    [[nodiscard]] StreamBounds through(const StreamBounds& in,
                                       const Module& module,
                                       const std::string& where) const;
    /// The modules in order; gamma and beta of a normalisation at the end are applied.
    [[nodiscard]] StreamBounds through_all(const StreamBounds& in,
                                           const std::vector<Module>& modules,
                                           const std::string& where) const;
    /// The same stream after gamma and beta of a pending normalisation [R14].
    [[nodiscard]] static StreamBounds materialised(const StreamBounds& in);

private:
    void apply(const LinearMap& map, StreamBounds& stream, const std::string& where) const;
    void apply(const Normalisation& norm, StreamBounds& stream, const std::string& where) const;
    void apply(const Attention& attention, StreamBounds& stream, const std::string& where) const;
    void apply(const Mlp& mlp, StreamBounds& stream, const std::string& where) const;
    void apply(const GatedMlp& mlp, StreamBounds& stream, const std::string& where) const;
    void apply(const Elementwise& module, StreamBounds& stream, const std::string& where) const;
    void apply(const Residual& residual, StreamBounds& stream, const std::string& where) const;
    void apply(const Parallel& parallel, StreamBounds& stream, const std::string& where) const;
    void apply(const Scale& scale, StreamBounds& stream, const std::string& where) const;
    void apply(const SoftCap& cap, StreamBounds& stream, const std::string& where) const;

    [[nodiscard]] std::optional<Lower> minimum_rms(const Normalisation& norm) const;
    [[nodiscard]] std::optional<HeadNorm> read_head_norm(const std::optional<Normalisation>& norm,
                                                         Eigen::Index head_dimension,
                                                         const std::string& where) const;
    [[nodiscard]] MlpBlock read_mlp(const StreamBounds& stream,
                                    const Mlp& mlp,
                                    const std::string& where) const;
    void refine_query(const AttentionWeights& weights,
                      const Upper& radius,
                      AttentionBound& bound) const;
    void pass(const MlpBlock& block, StreamBounds& stream) const;
    void apply_jointly(const Residual& residual,
                       StreamBounds& stream,
                       const std::string& where) const;

    /// `map` as a function of the stream: with a pending normalisation folded in. Throws
    /// Error{architecture} where it does not read vectors of the stream's width.
    [[nodiscard]] AffineMap read_on(const StreamBounds& stream,
                                    const LinearMap& map,
                                    const std::string& where) const;

    const Checkpoint& checkpoint_;
    Upper sqrt_sequence_length_;
    Effort effort_;
    ResolvedConditions conditions_;
    std::optional<std::size_t> longest_stream_;
};

/// True where every module that needs a bounded input stands behind a normalisation or a soft-cap,
/// so that the bounds hold for all streams and not only for a ball.
[[nodiscard]] bool holds_everywhere(const Architecture& architecture);

}  // namespace lipcert
