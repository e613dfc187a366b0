#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <utility>

#include "norms/float_matrix.hpp"
#include "norms/gram.hpp"
#include "norms/spectral_density.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

/// The Gram matrix G = A^T A of a tall matrix A in float32, and about where its eigenvalues lie:
/// what a search for some of them begins with.
class GramSpectrum {
public:
    /// Entries of A are at most 1 in magnitude.
    explicit GramSpectrum(const Matrix& tall);

    [[nodiscard]] Eigen::Index size() const { return known_.size; }

    [[nodiscard]] const SpectralDensity& density() const { return density_; }

    /// G, both triangles.
    [[nodiscard]] const FloatMatrix& matrix() const { return known_.matrix; }

    /// G with what is known about it [S7] [S12]: no guess.
    [[nodiscard]] Gram gram() const;

    /// result = rows G.
    void times_rows(const FloatMatrix& rows, FloatMatrix& result) {
        factor_.times_rows(rows, result);
    }

    /// G itself, for its memory; `times_rows` still works.
    [[nodiscard]] FloatMatrix take_matrix() { return std::move(known_.matrix); }

private:
    struct Known {
        Eigen::Index size = 0;
        FloatMatrix matrix;
        Upper error;  ///< in the Frobenius norm
        Upper rest;   ///< as that of a Gram
        Enclosure sum_of_squares;
    };

    [[nodiscard]] static Known form(const Matrix& tall);

    Known known_;
    SymmetricFactor factor_;
    SpectralDensity density_;
};

}  // namespace lipcert::estimate
