#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/effort.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// Wider streams would cost more than the rest of a certificate.
constexpr std::size_t kWidestUnrolled = 768;

/// Where the tokens that enter block 0 lie, as what reads them linearly sees it.
struct InputTokens {
    std::size_t width = 0;
    Upper radius;  ///< |x| for every token
    /// Tables of which every token is a sum of one convex combination of rows each (embeddings,
    /// positions) [R29]; none: only the radius is known.
    std::vector<MatrixBall> tables;
};

/// The residual stream of a model without normalisations as a sum over its blocks, seen by whatever
/// reads it: x_k = Phi x_0 + sum_m C_m g_m + offset [R30]. A read B of it differs by no more than
/// the sum of what B Phi and every B C_m do, which is less than |B| times the bound of the stream
/// where B looks away from what the blocks write; after every block the better of both bounds is
/// kept [R31]. Cost: a product of B with every C_m for each read.
class Unrolled {
public:
    Unrolled(const Checkpoint& checkpoint, InputTokens tokens, Effort effort);

    /// Whether `module` is a residual block that `pass` understands.
    [[nodiscard]] static bool understands(const Module& module);

    /// One more block. `lipschitz` and `radius` are bounds of its input that are proved otherwise.
    void pass(const Module& module,
              const std::string& where,
              const Upper& lipschitz,
              const Upper& radius);

    /// At least |B (x - x')| / |X - X'| for the stream as it stands.
    [[nodiscard]] Upper difference(const MatrixBall& read) const;
    /// At least |B x + b|.
    [[nodiscard]] Upper reach(const MatrixBall& read, const MatrixBall& bias) const;
    /// At least |B x - c| for some c that is the same for all tokens.
    [[nodiscard]] Upper spread(const MatrixBall& read) const;

    /// Bounds of the stream itself, from the last block's own bound or from its sum.
    [[nodiscard]] const Upper& lipschitz() const { return lipschitz_; }

    [[nodiscard]] const Upper& radius() const { return radius_; }

private:
    /// What one block added, as a read of the present stream sees it: blocks with a bound of what
    /// comes out of them each.
    struct Source {
        std::vector<MatrixBall> slope_blocks, ratio_blocks;
        std::vector<Upper> slope_gains, ratio_gains;
        MatrixBall whole;  ///< from the block's output to the present stream
        Upper whole_gain;  ///< of the block's branch, per |X - X'| [R31]
    };

    struct Head;

    [[nodiscard]] Head read_head(const Attention& attention,
                                 const AffineMap& query,
                                 const AffineMap& key,
                                 const AffineMap& value) const;
    [[nodiscard]] Upper branch_gain(const std::vector<Head>& heads,
                                    const std::vector<MatrixBall>& outputs,
                                    const Upper& score_scale) const;
    void pass_attention(const Residual& residual, const Attention& attention, const std::string&);
    void pass_mlp(const Residual& residual, const Mlp& mlp, const std::string& where);
    void advance(const MatrixBall& slopes, const MatrixBall& ratios, Source source);
    [[nodiscard]] Upper written(const MatrixBall& read, bool ratios) const;
    [[nodiscard]] Upper table_reach(const MatrixBall& read, bool centred) const;

    const Checkpoint& checkpoint_;
    InputTokens tokens_;
    Effort effort_;
    MatrixBall slope_path_, ratio_path_;  ///< Phi
    MatrixBall offset_;
    std::vector<Source> sources_;
    Upper lipschitz_ = Upper::exact(1.0);
    Upper radius_;
};

}  // namespace lipcert
