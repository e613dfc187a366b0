#pragma once

#include "lipcert/bounds/head_sum.hpp"

#include <memory>
#include <vector>

namespace lipcert {

/// Blocks B_h, one for each head, and the norms of [roots_h B_h]_h, each bounded once however often
/// it is asked for: parts of a bound, and bounds of one attention, that weigh the heads alike share
/// it. Copies share what is known; several threads may ask.
///
/// Roots are rounded up to 40 bits first, which makes a norm larger by 2^-39 of it at most: what
/// differs by its own roundings is the same then.
class WeightedBlocks {
public:
    WeightedBlocks() : WeightedBlocks(std::vector<MatrixBall>()) {}

    explicit WeightedBlocks(std::vector<MatrixBall> blocks);

    [[nodiscard]] const std::vector<MatrixBall>& blocks() const;

    [[nodiscard]] std::size_t count() const { return blocks().size(); }

    /// At least `weighted_norm` [R20]. `roots`: finite, not negative, one for each block.
    [[nodiscard]] Upper norm(const std::vector<double>& roots) const;

    /// At least `weighted_pair_norm` [R40].
    [[nodiscard]] Upper pair_norm(const std::vector<double>& roots) const;

private:
    struct Known;
    std::shared_ptr<Known> known_;
};

}  // namespace lipcert
