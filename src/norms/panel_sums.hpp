#pragma once

#include "lipcert/rounding/bound.hpp"

#include "norms/freivalds.hpp"
#include "norms/gram.hpp"

namespace lipcert {

/// What bounds and checks of a Gram matrix take from the panels beside it, while they pass by.
class PanelSums {
public:
    explicit PanelSums(Eigen::Index size) : witness_(size) {}

    /// P, or its transpose where `columns`.
    void add(const MatrixView& panel, bool columns);
    /// After the last panel: all of it in units of W', the panels being those of 2^unit W'.
    void scale(int unit);

    [[nodiscard]] const freivalds::GramWitness& witness() const { return witness_; }

    [[nodiscard]] const Enclosure& sum_of_squares() const { return squares_; }  ///< |W'|_F^2

    /// >= max_i (|W'|^T |W'| 1)_i.
    [[nodiscard]] Upper largest_absolute_row_sum() const;

private:
    freivalds::GramWitness witness_;
    Enclosure squares_;
};

}  // namespace lipcert
