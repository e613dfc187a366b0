#pragma once

#include <cstddef>

#include "norms/float_matrix.hpp"
#include "norms/gram_panel.hpp"

namespace lipcert {

/// The sum of P^T P over panels of GramPanel::kLength rows (the last may have fewer), in float32.
/// Of many panels with few columns, groups are summed before they are added: short sums lose less.
class GramSum {
public:
    explicit GramSum(Eigen::Index size);

    void add(const GramPanel& panel);

    /// The lower triangle; NaN above it, and in all of it where no panel was added.
    [[nodiscard]] FloatMatrix result() &&;

    /// Bounds the number of roundings, each to nearest, that a product passes through, of `inner`
    /// rows altogether.
    [[nodiscard]] static std::size_t roundings(Eigen::Index inner, Eigen::Index size);

private:
    void add_group();

    FloatMatrix lower_;
    FloatMatrix group_;
    Eigen::Index panels_ = 0;
};

}  // namespace lipcert
