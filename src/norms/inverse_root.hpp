#pragma once

#include "norms/matrix_sign.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

/// A polynomial of degree 8 in three products (Sastre, "Efficient evaluation of matrix
/// polynomials", Linear Algebra and its Applications 539, 2018): with
/// y = x^2 (c4 x^2 + c3 x) it is (y + d2 x^2 + d1 x)(y + e2 x^2) + e0 y + f2 x^2 + f1 x + f0.
struct Octic {
    double c4, c3, d2, d1, e2, e0, f2, f1, f0;

    [[nodiscard]] double at(double x) const;
    /// Of a symmetric X, which is used up.
    [[nodiscard]] FloatMatrix of(FloatMatrix x, SymmetricFactor& workspace) const;
};

/// A polynomial p near h^(-1/2) for 1 <= h <= top: one of degree 8, and odd quintics for the sign
/// that take h^(1/2) p(h) nearer to 1 where that was not near enough.
class InverseRoot {
public:
    /// 1 <= top <= 17.
    explicit InverseRoot(double top);

    [[nodiscard]] double at(double h) const;

    /// By what part h^(1/2) p(h) exceeds p(1) at most.
    [[nodiscard]] double overshoot() const { return overshoot_; }

    /// p(H) for a symmetric H with eigenvalues in [1, top], which is used up: three symmetric
    /// products, and four more for each quintic.
    [[nodiscard]] FloatMatrix of(FloatMatrix h, SymmetricFactor& workspace) const;

private:
    /// h to [-1, 1]: slope h + shift.
    double slope_;
    double shift_;
    Octic first_{};
    std::vector<OddQuintic> quintics_;
    double overshoot_ = 0.0;
};

}  // namespace lipcert::estimate
