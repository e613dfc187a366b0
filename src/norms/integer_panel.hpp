#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstdint>
#include <vector>

#include "norms/float_matrix.hpp"
#include "norms/integer_kernel.hpp"

namespace lipcert::integer {

/// At most 1024 rows of Q, the rounded W' of [S11], as both operands of a kernel. Column j holds
/// integers of at most kLargest in magnitude in units of `units(j)`, a power of two, or 0 for a
/// column of zeros. Rows and columns beyond the panel are zero.
struct Panel {
    int groups = 0;  ///< of kSide columns
    int steps = 0;   ///< of kStep rows
    std::vector<std::int8_t> left;
    std::vector<std::int8_t> right;
    Vector units;
    /// Sums of at most 1024 squares: of the rounded-off parts of each column of W', as computed; an
    /// underflow changes each by at most 1024 * 2^-400.
    Vector lost_squares;

    [[nodiscard]] const std::int8_t* left_of(int group) const { return left.data() + begin(group); }

    [[nodiscard]] const std::int8_t* right_of(int group) const {
        return right.data() + begin(group);
    }

    /// Where the bytes of a group of columns begin.
    [[nodiscard]] std::size_t begin(int group) const {
        return static_cast<std::size_t>(kStepBytes * group * steps);
    }
};

/// Entries of W' = factor * stored (transposed where `columns`) are at most 1 in magnitude, and
/// `factor` is a power of two between 2^-100 and 2^100. The panel's memory is used again.
void round_panel(
    const MatrixView& stored, bool columns, double factor, const Kernel& kernel, Panel& panel);

}  // namespace lipcert::integer
