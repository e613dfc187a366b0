#pragma once

#include <vector>

#include "norms/float_matrix.hpp"

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
    explicit SignPolynomial(double gap) : least_(gap) {}

    void add_step();

    [[nodiscard]] const std::vector<OddQuintic>& steps() const { return steps_; }

    /// The largest distance from the sign beyond the gap.
    [[nodiscard]] double error() const { return 1.0 - least_; }

private:
    std::vector<OddQuintic> steps_;
    double least_;
    double most_ = 1.0;
};

/// The polynomial of a symmetric X with eigenvalues within [-1, 1], in its place: three symmetric
/// products a step, in float32 or what `SymmetricFactor` has.
void apply(const SignPolynomial& polynomial, FloatMatrix& x);

}  // namespace lipcert::estimate
