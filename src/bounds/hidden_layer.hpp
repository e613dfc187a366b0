#pragma once

#include "lipcert/norms/matrix_ball.hpp"

#include "bounds/lazy.hpp"
#include "norms/lanczos.hpp"

namespace lipcert {

/// X >= W2 T^-1 W2^T and Y >= W1^T T W1 (Loewner order) for a diagonal T > 0.
struct MultiplierGrams {
    MatrixBall x, y;
};

/// Each T_i is the exact square of a double near the root of multiplier(i); 1/T_i is rounded up.
[[nodiscard]] MultiplierGrams multiplier_grams(const MatrixBall& in,
                                               const MatrixBall& out,
                                               const Vector& multiplier);

/// T0_i = |column i of W2| / |row i of W1|, which balances both maps unit by unit [R10'], kept
/// within a range of the median, which stands in for it where one of the two is zero.
[[nodiscard]] Vector balanced_multiplier(const Matrix& in, const Matrix& out);

/// W1 and W2, and what all diagonal families between them share [R10]. Several threads may look.
class HiddenLayer {
public:
    /// `in`: W1, hidden x inputs; `out`: W2, outputs x hidden.
    HiddenLayer(MatrixBall in, MatrixBall out);
    /// [W1, b] in the place of the W1 of `base`, b being `column`. Where b weighs little in every
    /// row, T0 and X are those of `base`, which must outlive this.
    HiddenLayer(const HiddenLayer& base, const MatrixBall& column);

    [[nodiscard]] const MatrixBall& in() const { return in_; }

    [[nodiscard]] const MatrixBall& out() const { return out_; }

    /// Whether one of the maps is zero but for a radius: then there is no T0.
    [[nodiscard]] bool vanishes() const;

    /// At T0 for the centres of both maps, whatever their exponents.
    [[nodiscard]] const MultiplierGrams& grams() const { return *grams_; }

    /// Guesses at the top eigenpairs of the centres of X and Y.
    [[nodiscard]] const Estimate& x_top() const { return *x_top_; }

    [[nodiscard]] const Estimate& y_top() const { return *y_top_; }

    /// An estimate of |W2| |W1| from below, by the directions in which X and Y are largest.
    [[nodiscard]] double norms_estimate() const;

private:
    MatrixBall in_, out_;
    Lazy<Vector> balance_;
    Lazy<MultiplierGrams> grams_;
    Lazy<Estimate> x_top_, y_top_;
};

}  // namespace lipcert
