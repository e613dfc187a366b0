#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <utility>

#include "norms/crude_gram.hpp"
#include "norms/float_matrix.hpp"
#include "norms/gram.hpp"
#include "norms/spectral_density.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

/// The Gram matrix G = A^T A in float32 of 2^-exponent times a matrix or its transpose, whichever
/// is tall, and about where its eigenvalues lie: what a search for some of them begins with.
class GramSpectrum {
public:
    /// Entries of A are at most 1 in magnitude; |exponent| <= SmallerSide::kLargestExponent.
    GramSpectrum(const Matrix& matrix, int exponent);

    [[nodiscard]] Eigen::Index size() const { return size_; }

    [[nodiscard]] const SpectralDensity& density() const { return density_; }

    /// G, both triangles.
    [[nodiscard]] const FloatMatrix& matrix() const { return known_.gram.lower; }

    /// G with what is known about it [S7] [S12]: no guess.
    [[nodiscard]] Gram gram() const;

    /// result = rows G.
    void times_rows(const FloatMatrix& rows, FloatMatrix& result) {
        factor_.times_rows(rows, result);
    }

    /// G itself, for its memory; `times_rows` still works.
    [[nodiscard]] FloatMatrix take_matrix() { return std::move(known_.gram.lower); }

private:
    struct Known {
        CrudeGram gram;  ///< both triangles; of A, or A in fixed point
        Upper rest;      ///< as that of a Gram
    };

    [[nodiscard]] static Known form(const Matrix& matrix, int exponent);

    Known known_;
    Eigen::Index size_;
    SymmetricFactor factor_;
    SpectralDensity density_;
};

}  // namespace lipcert::estimate
