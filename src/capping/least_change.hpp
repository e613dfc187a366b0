#pragma once

#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"
#include "norms/gram.hpp"

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

/// [K5] The same without singular vectors: Z = Y N for a Y with |Y|_2 <= limit, and N = B^T B, B
/// being the given matrix, of as many columns as the smaller side of A has, with entries of
/// fourteen bits of its largest one. B is finite.
class ExcessWeights {
public:
    explicit ExcessWeights(const FloatMatrix& b);

    /// tr(N X^T X), where `gram` is a Gram matrix of the smaller side of 2^-exponent X.
    [[nodiscard]] Enclosure trace_with(const Gram& gram, long exponent) const;

    /// |X B^T|_F changes by at most so much where X changes by `change` in the Frobenius norm.
    [[nodiscard]] Upper image_of(const Upper& change) const;

    /// The traces of X = A, Y and A - Y.
    struct Traces {
        Lower of_matrix;
        Lower of_capped;
        Upper of_change = Upper::infinity();
    };

    [[nodiscard]] Lower least_change(const Traces& traces, const Upper& limit) const;

private:
    int exponent_;
    Gram gram_;    ///< N, as computed, of B in units of 2^exponent_
    Upper trace_;  ///< >= tr N
    Upper norm_;   ///< >= |N|_F
};

}  // namespace lipcert::capping
