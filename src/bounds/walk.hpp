#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/conditions.hpp"
#include "lipcert/bounds/effort.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <optional>
#include <string>
#include <vector>

#include "bounds/mlp_block.hpp"
#include "bounds/stream_bounds.hpp"

namespace lipcert {

/// Bounds modules one after the other; reads the tensors of one module at a time.
class Walk {
public:
    /// `sqrt_sequence_length`: nothing where no Frobenius bound is asked for; it may be infinite.
    Walk(const Checkpoint& checkpoint,
         std::optional<Upper> sqrt_sequence_length,
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
    /// Without the norms of queries and keys.
    [[nodiscard]] AttentionWeights read_attention(const StreamBounds& stream,
                                                  const Attention& attention,
                                                  const std::string& where) const;
    struct MeasuredGatedMlp;
    [[nodiscard]] MeasuredGatedMlp read_gated_mlp(const StreamBounds& stream,
                                                  const GatedMlp& mlp,
                                                  const std::string& where) const;
    [[nodiscard]] MlpBlock read_mlp(const StreamBounds& stream,
                                    const Mlp& mlp,
                                    const std::string& where) const;
    void pass(const MlpBlock& block, StreamBounds& stream, const std::string& where) const;
    void apply_jointly(const Residual& residual,
                       StreamBounds& stream,
                       const std::string& where) const;

    /// `map` as a function of the stream: with a pending normalisation folded in. Throws
    /// Error{architecture} where it does not read vectors of the stream's width.
    [[nodiscard]] AffineMap read_on(const StreamBounds& stream,
                                    const LinearMap& map,
                                    const std::string& where) const;

    const Checkpoint& checkpoint_;
    std::optional<Upper> sqrt_sequence_length_;
    Effort effort_;
    ResolvedConditions conditions_;
    std::optional<std::size_t> longest_stream_;
};

/// True where every module that needs a bounded input stands behind a normalisation or a soft-cap,
/// so that the bounds hold for all streams and not only for a ball.
[[nodiscard]] bool holds_everywhere(const Architecture& architecture);

}  // namespace lipcert
