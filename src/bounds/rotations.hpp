#pragma once

#include "lipcert/bounds/affine.hpp"
#include "lipcert/bounds/attention.hpp"

#include <vector>

namespace lipcert {

/// The relative rotations of a head of `dimension` entries, one for each distance of a key from its
/// query: cosines and sines in doubles, and how far they are from the exact ones.
class RotationTable {
public:
    /// Cost: two MPFR functions for each distance and pair. `dimension` is even.
    RotationTable(const Rotations& rotations, Eigen::Index dimension);

    /// At least |Wq^T T Wk| for every rotation T of the table. Cost: for each of them a norm of a
    /// d_h x d_h matrix.
    [[nodiscard]] Upper largest_product(const MatrixBall& query, const MatrixBall& key) const;

private:
    struct Turn {
        Vector cosines, sines;  ///< one for each pair
        Upper error;            ///< of the rotation, in the Frobenius norm
    };

    std::vector<Turn> turns_;
};

}  // namespace lipcert
