#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <vector>

#include "norms/float_matrix.hpp"
#include "norms/integer_kernel.hpp"
#include "norms/tile_array.hpp"

namespace lipcert {

/// Some rows P of a matrix W' in fixed point: column j as integers, split into digits to the base
/// 256, times a unit, a power of two, so that the largest integer has 31 bits [S12]. For processors
/// that have integer_kernel.
class FixedPointPanel {
public:
    explicit FixedPointPanel(integer_kernel::Digits digits) : digits_(digits) {}

    /// The most rows of a panel.
    static constexpr Eigen::Index kLength = 4096;
    static_assert(kLength <= integer_kernel::kLongest);

    /// About the squares of two Frobenius norms (no bounds): of the part of P in fixed point that
    /// is made of last digits, and of what is left of P.
    struct Squares {
        double last = 0.0;
        double rest = 0.0;
    };

    /// 2^exponent P = stored, or its transpose where `columns`. Entries of P are at most 1 in
    /// magnitude, |exponent| <= SmallerSide::kLargestExponent.
    [[nodiscard]] Squares fill(const MatrixView& stored, bool columns, int exponent);

    enum class Into { overwrite, add };

    /// The lower triangle of the Gram matrix of P in fixed point without that of its last digits:
    /// rounded twice, and once more where it is added to another. What stands above the diagonal
    /// stays.
    void add_gram(Into into, Matrix& lower) const;

private:
    struct Block {
        Eigen::Index strip;
        Eigen::Index step;
    };

    void choose_units(const MatrixView& stored, bool columns, int exponent);
    void make_room();
    [[nodiscard]] Squares sum_of(const std::vector<integer_kernel::Squares>& strips) const;
    void fill_block(const MatrixView& stored,
                    bool columns,
                    const Block& block,
                    integer_kernel::Squares& squares);

    integer_kernel::Digits digits_;
    Eigen::Index columns_ = 0;    ///< of P
    Eigen::Index steps_ = 0;      ///< blocks of each strip
    std::vector<double> scales_;  ///< what makes a stored column integers
    std::vector<double> units_;   ///< of the integers, in W'
    Eigen::Index capacity_ = 0;
    TileArray<integer_kernel::Digit> left_;
    TileArray<integer_kernel::Digit> right_;
};

}  // namespace lipcert
