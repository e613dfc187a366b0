#pragma once

#include "norms/float_matrix.hpp"
#include "norms/tile_array.hpp"
#include "norms/tile_kernel.hpp"

namespace lipcert::estimate {

/// Rows of numbers in float32, split for the tile unit. Its memory is used again.
class PackedRows {
public:
    void make_room(const FloatMatrix& matrix);

    /// Where a row of blocks begins.
    [[nodiscard]] tile_kernel::Packed* row(Eigen::Index row) const {
        return memory_.get() + row * pitch();
    }

    /// Numbers from a row of blocks to the next one.
    [[nodiscard]] Eigen::Index pitch() const { return steps_ * tile_kernel::kPackedBlock; }

private:
    Eigen::Index steps_ = 0;
    Eigen::Index capacity_ = 0;
    TileArray<tile_kernel::Packed> memory_;
};

/// A symmetric matrix A in float32 that others are multiplied by. Where the processor has a tile
/// unit for bfloat16, A is kept split for it: products are then off by about 2^-16 of their terms,
/// and two to six times as fast. For guesses: no bound rests on them.
class SymmetricFactor {
public:
    enum class Unit { vectors, tiles };

    /// The fastest unit that there is.
    [[nodiscard]] static Unit fastest_unit();

    /// Seconds per multiply-add on the machine that this was measured on, to be compared with other
    /// costs.
    [[nodiscard]] static double cost(Unit unit = fastest_unit());

    /// Without a tile unit, `tiles` means vectors.
    explicit SymmetricFactor(Unit unit = fastest_unit());

    /// Both triangles count.
    void assign(const FloatMatrix& matrix);

    /// result = X A for rows X, of as many numbers each as A has rows.
    void times_rows(const FloatMatrix& rows, FloatMatrix& result);

    /// result = S A for a symmetric S that commutes with A, so that the product is symmetric: half
    /// the work.
    void times_commuting(const FloatMatrix& symmetric, FloatMatrix& result);

    /// result = S^2 for a symmetric S, which takes the place of A.
    void square(const FloatMatrix& symmetric, FloatMatrix& result);

private:
    enum class Part { all, lower };

    /// `rows` are packed.
    void multiply(const FloatMatrix& rows, Part part, FloatMatrix& result);

    Unit unit_;
    Eigen::Index size_ = 0;
    FloatMatrix matrix_;  ///< empty where it is kept in tiles
    PackedRows packed_;
    PackedRows rows_;  ///< the other factor
};

}  // namespace lipcert::estimate
