#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/rounding/interval.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace lipcert {

/// All matrices M with |M - 2^exponent * centre|_F <= radius (Frobenius norm, hence also in the
/// spectral norm): midpoint-radius arithmetic for matrices that are computed from stored weights.
/// Every operation returns a ball that contains the exact result for every member of its operands;
/// rounding, underflow and the operands' radii all go into the new radius [S6].
///
/// The centre's entries are at most 1 in magnitude, so that no product overflows whatever the scale
/// of the weights. Copies share it: a ball does not change.
class MatrixBall {
public:
    MatrixBall() = default;
    /// The stored matrix itself; radius 0 but for entries that underflow beside a huge one.
    [[nodiscard]] static MatrixBall of(Matrix stored);
    /// A column vector.
    [[nodiscard]] static MatrixBall of_vector(const Vector& stored);
    [[nodiscard]] static MatrixBall zero(Eigen::Index rows, Eigen::Index cols);
    /// Any centre (it is rescaled here), 2^exponent and a radius that the caller has proved.
    [[nodiscard]] static MatrixBall around(Matrix centre, long exponent, Upper radius);

    [[nodiscard]] Eigen::Index rows() const { return centre().rows(); }

    [[nodiscard]] Eigen::Index cols() const { return centre().cols(); }

    [[nodiscard]] const Matrix& centre() const& { return *centre_; }

    /// The centre itself where no copy shares it.
    [[nodiscard]] Matrix centre() &&;

    [[nodiscard]] long exponent() const { return exponent_; }

    [[nodiscard]] const Upper& radius() const { return radius_; }

    [[nodiscard]] MatrixBall transposed() const;
    [[nodiscard]] MatrixBall row_block(Eigen::Index begin, Eigen::Index count) const;
    [[nodiscard]] MatrixBall column_block(Eigen::Index begin, Eigen::Index count) const;
    /// times 2^exponent, exact.
    [[nodiscard]] MatrixBall scaled(long exponent) const;

private:
    std::shared_ptr<Matrix> centre_ = std::make_shared<Matrix>();
    long exponent_ = 0;
    Upper radius_;
};

/// A B; cost one dgemm.
[[nodiscard]] MatrixBall product(const MatrixBall& a, const MatrixBall& b);
[[nodiscard]] MatrixBall gram_of_rows(const MatrixBall& a);     ///< A A^T; half of a product's cost
[[nodiscard]] MatrixBall gram_of_columns(const MatrixBall& a);  ///< A^T A; half of a product's cost
/// A - B C, in the memory of A.
[[nodiscard]] MatrixBall difference(MatrixBall a, const MatrixBall& b, const MatrixBall& c);
[[nodiscard]] MatrixBall sum(const MatrixBall& a, const MatrixBall& b);
/// factor * A for an exact double.
[[nodiscard]] MatrixBall scaled_by(const MatrixBall& a, double factor);
/// A diag(d); `diagonal` is a column vector of A.cols() entries.
[[nodiscard]] MatrixBall scale_columns(MatrixBall a, const MatrixBall& diagonal);
/// diag(d) A for exact doubles d.
[[nodiscard]] MatrixBall scale_rows(MatrixBall a, const Vector& diagonal);
/// A (I - 11^T/n): every row minus its mean.
[[nodiscard]] MatrixBall centre_rows(MatrixBall a);
/// (I - 11^T/m) A: every column minus its mean.
[[nodiscard]] MatrixBall centre_columns(MatrixBall a);
[[nodiscard]] MatrixBall stack_columns(std::vector<MatrixBall> blocks);  ///< [A, B, ...]
[[nodiscard]] MatrixBall stack_rows(std::vector<MatrixBall> blocks);     ///< [A; B; ...]

/// |M|_2 for every member: the enclosure of the centre, widened by the radius.
[[nodiscard]] Enclosure spectral_norm(const MatrixBall& a);
/// |M|_F for every member, from above.
[[nodiscard]] Upper frobenius_norm(const MatrixBall& a);
/// The largest Euclidean norm of a row of a member, from above.
[[nodiscard]] Upper largest_row_norm(const MatrixBall& a);
/// The Euclidean norm of each row of a member, from above.
[[nodiscard]] std::vector<Upper> row_norms(const MatrixBall& a);
/// The largest |entry| of a member, from above.
[[nodiscard]] Upper largest_entry(const MatrixBall& a);

/// A lower-triangular L with L L^T >= M M^T (Loewner order) for every member M of the m x n ball
/// [S5]. So |M^T B| <= |L^T B| and |B M| <= |B L| for every B: products of thin factors cost
/// m x m instead of n x n. The excess is of the order m U |M|_F^2.
[[nodiscard]] MatrixBall gram_factor(const MatrixBall& a);

}  // namespace lipcert
