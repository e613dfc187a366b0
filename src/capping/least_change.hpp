#pragma once

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/bound.hpp"

namespace lipcert::capping {

/// Z = F V^T in factors, a low-rank change of A. The columns of V are right singular vectors as far
/// as somebody found them; nothing below relies on it.
class LowRank {
public:
    /// Both of radius 0: Z is the product of these very numbers.
    LowRank(MatrixBall left, MatrixBall right);

    [[nodiscard]] const MatrixBall& left() const { return left_; }

    [[nodiscard]] const MatrixBall& right() const { return right_; }

    [[nodiscard]] Upper spectral_norm() const;   ///< |F|_2 |V|_2
    [[nodiscard]] Upper frobenius_norm() const;  ///< |F|_F |V|_2
    [[nodiscard]] Upper nuclear_norm() const;    ///< sum_i |f_i| |v_i|

private:
    MatrixBall left_;
    MatrixBall right_;
    Upper right_norm_;
};

/// [K4] Every Y with |Y|_2 <= limit has |A - Y|_F >= (<A, Z> - limit |Z|_*)/|Z|_F, for Z = F V^T.
/// `image` is A V.
[[nodiscard]] Lower least_change(const LowRank& z, const MatrixBall& image, const Upper& limit);

}  // namespace lipcert::capping
