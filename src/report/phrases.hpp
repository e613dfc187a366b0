#pragma once

#include "lipcert/certificate/certificate.hpp"
#include "lipcert/certificate/checks.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// A line of the table of bounds.
struct NamedBound {
    std::string name;
    Upper upper;
    std::string rule;     ///< empty where there is none to name
    std::string meaning;  ///< "embeddings -> logits, RMS norms"
};

/// A block in the order of execution.
struct NamedBlock {
    std::string place;  ///< "stem", "0", "1", ..., "head"
    std::optional<std::size_t> layer;
    const BlockBound* block = nullptr;
    const LayerBound* ends = nullptr;  ///< the layer that ends with this block, if one does
    double log10 = 0.0;  ///< of its Lipschitz constant; 0 where it has none. Only for shares
    double share = 0.0;  ///< of log10 of the product; negative for a block below 1
};

/// The composed bounds and, where they apply, the reference formulas.
[[nodiscard]] std::vector<NamedBound> named_bounds(const NetworkBounds& bounds);

[[nodiscard]] std::vector<NamedBlock> named_blocks(const NetworkBounds& bounds);

/// "For all embedding streams X, Y of any length, every token in the ball of L2 radius 12.6"
[[nodiscard]] std::string domain_phrase(const Domain& domain);

/// One line for each condition: "blocks.0.norm.weight: every token that enters has RMS >= 0.5".
/// Names are as hostile as the file.
[[nodiscard]] std::vector<std::string> condition_phrases(const Conditions& conditions);

/// Of which inputs alone a check is, for a reader who sees nothing else of the report: " on at most
/// 3 tokens" behind the name of a composed bound; empty where it is of all.
[[nodiscard]] std::string restriction_of(const Check& check, const Domain& domain);

/// "max-activation of residual stream is proved to be at most 7, the limit is 5"; the place and the
/// limit are as hostile as the file.
[[nodiscard]] std::string finding_phrase(const Check& check, const Domain& domain);

/// "5.566": three decimals, rounded up; "-" for zero and infinity.
[[nodiscard]] std::string log10_text(const Upper& bound);

/// "lipschitz-transformer: 2 layers, width 160, 640,000 parameters, float16"; the family's name is
/// as hostile as its file.
[[nodiscard]] std::string model_phrase(const Certificate& certificate);

/// The last part of the path.
[[nodiscard]] std::string file_name_of(const std::string& path);

/// "512 x 64".
[[nodiscard]] std::string shape_text(const MatrixBound& matrix);

/// Between 1 and the rank; "-" where it has no finite bound.
[[nodiscard]] std::string stable_rank_text(const SpectralNorm& norm);

}  // namespace lipcert
