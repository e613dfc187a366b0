#pragma once

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// In which norm limits are given.
enum class LimitNorm {
    l2,  ///< the spectral norm; for rows the Euclidean norm
    rms  ///< RMS -> RMS: sigma_1 sqrt(in/out) [R35]; for rows their root mean square
};

/// `text` is a positive decimal. Without a selector it is the limit of every linear map within the
/// network; a selector is a glob over tensor names, over the part of a name behind any dot (but not
/// over the last component alone: "weight" is no selection), or over roles ("attn.*", "*c_fc*",
/// "query", "mlp *"), or over a name and a role ("*h.0.*:query"). It reaches embeddings and
/// unembeddings too.
struct LimitRule {
    std::string selector;
    std::string text;
};

struct LimitRules {
    std::vector<LimitRule> limits;  ///< the last one that matches counts
    LimitNorm norm = LimitNorm::l2;
    std::optional<std::string> embedding_limit;  ///< on every row of embeddings and unembeddings
    std::vector<std::string> excluded;           ///< selectors of what stays as it is
};

/// A part of a stored matrix that is brought under a limit of its own.
struct CapItem {
    WeightUse use;
    std::size_t rows = 0, cols = 0;  ///< of the part, as stored
    bool by_rows =
        false;           ///< the limit is on the norm of each output (token) rather than on sigma_1
    double limit = 0.0;  ///< L2, positive; at or below what the user asked for
    double unit = 1.0;   ///< L2 for one of the norm in which the user states limits, for reports
    /// An unembedding that is stored as a copy of this table, and has its limit.
    std::optional<std::string> copy_of;

    /// Nothing is asked of it but what a target will.
    [[nodiscard]] bool is_unlimited() const { return limit >= std::numeric_limits<double>::max(); }
};

/// "blocks.0.attn.c_attn.weight [query]": the tensor, and the part where it holds several.
[[nodiscard]] std::string name_of(const CapItem& item);

/// The parts of the checkpoint's matrices that the rules reach, in the order of `uses`; a part that
/// is read twice stands once, with the smaller limit. Throws Error{usage} for a limit that is not a
/// positive number, a selector that matches nothing, limits of two kinds on the same numbers (rows
/// and spectral norm of a tied table), and a spectral limit on an embedding table in RMS norms.
[[nodiscard]] std::vector<CapItem> cap_items(const std::vector<WeightUse>& uses,
                                             const Checkpoint& checkpoint,
                                             const LimitRules& rules);

/// Every two-dimensional float tensor as a linear map: for files without a known architecture.
[[nodiscard]] std::vector<WeightUse> every_matrix(const Checkpoint& checkpoint);

}  // namespace lipcert
