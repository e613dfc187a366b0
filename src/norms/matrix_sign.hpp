#pragma once

#include <vector>

#include "norms/float_matrix.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

/// a x + b x^3 + c x^5.
struct OddQuintic {
    double a = 0.0;
    double b = 0.0;
    double c = 0.0;
};

/// Odd quintics one after the other whose composition comes near the sign of x for gap <= |x| <= 1,
/// and stays within the same bounds of 0 nearer to it: each is the best one for what the last one
/// left (Amsel, Persson, Musco and Gower, "The Polar Express", 2025).
class SignPolynomial {
public:
    /// x itself; 0 < gap < 1.
    explicit SignPolynomial(double gap) : gap_(gap), least_(gap) {}

    [[nodiscard]] double gap() const { return gap_; }

    /// Nothing where float32 would not tell the difference.
    void add_step();

    [[nodiscard]] const std::vector<OddQuintic>& steps() const { return steps_; }

    /// The largest distance from the sign beyond the gap.
    [[nodiscard]] double error() const { return 1.0 - least_; }

private:
    std::vector<OddQuintic> steps_;
    double gap_;
    double least_;
    double most_ = 1.0;
};

/// The polynomial p of a symmetric X with eigenvalues within [-1, 1], in its place: three symmetric
/// products a step, in float32 or what `SymmetricFactor` has. The workspace is free before and
/// after, here and below: its memory costs as much as a pass.
void apply(const SignPolynomial& polynomial, FloatMatrix& x, SymmetricFactor& workspace);

/// gain = a I + b X + c X^2 for a symmetric X: one product.
void form_gain(const OddQuintic& step,
               const FloatMatrix& x,
               SymmetricFactor& workspace,
               FloatMatrix& gain);

}  // namespace lipcert::estimate
