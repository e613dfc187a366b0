#pragma once

#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/network_bounds.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bounds/norm_in_chain.hpp"

namespace lipcert {

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

/// One more module in the chain [R4]: the same constant in both norms.
void advance(StreamBounds& stream, const Upper& lipschitz, const std::string& rule);

void note(const std::vector<RuleValue>& alternatives, StreamBounds& stream);

/// One more largest score, where there is one.
void count_score(const std::optional<Upper>& score, StreamBounds& stream);

/// Both radii become what `radius_after` makes of them.
template <class Function>
void map_radii(StreamBounds& stream, Function radius_after) {
    stream.ball_radius = radius_after(stream.ball_radius);
    stream.domain_radius = radius_after(stream.domain_radius);
}

/// Throws Error{architecture} that names `what`, where the domain has no radius.
void require_bounded(const StreamBounds& stream, const char* what, const std::string& where);

}  // namespace lipcert
