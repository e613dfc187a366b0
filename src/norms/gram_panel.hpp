#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>

#include "norms/float_matrix.hpp"

namespace lipcert {

/// Some rows P of a matrix in float32, in the order in which loops of our own take them for P^T P.
class GramPanel {
public:
    /// The most rows of a panel.
    static constexpr Eigen::Index kLength = 512;

    /// Bounds the number of roundings, each to nearest, that a product passes through on its way
    /// into an entry of P^T P, its own included; of as many rows as `inner` has, kLength at most.
    [[nodiscard]] static std::size_t roundings(Eigen::Index inner);

    /// P = fl(factor * stored), or its transpose where `columns`, for a power of two: one rounding
    /// in each entry.
    void fill(const MatrixView& stored, bool columns, double factor);

    /// About the squares of the rows of what is stored (not scaled).
    [[nodiscard]] const Vector& squares() const { return squares_; }

    /// What becomes of the numbers that are there already.
    enum class Into { overwrite, add };

    /// The lower triangle of P^T P, its parts on several threads; what stands above the diagonal
    /// stays.
    void add_gram(Into into, FloatMatrix& lower) const;

private:
    [[nodiscard]] float* block_of(Eigen::Index column) const;
    void make_room();
    void fill_rows(const MatrixView& stored, double factor);
    void fill_columns(const MatrixView& stored, double factor);

    Eigen::Index depth_ = 0;    ///< rows of P
    Eigen::Index columns_ = 0;  ///< of P
    FloatMatrix room_;          ///< for the blocks
    float* blocks_ = nullptr;   ///< in it, at the beginning of a cache line
    Vector squares_;
};

}  // namespace lipcert
