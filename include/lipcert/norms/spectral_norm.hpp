#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <string_view>

namespace lipcert {

/// Which argument proved the upper end of an enclosure.
enum class NormMethod {
    zero,         ///< the matrix is zero
    dot_product,  ///< one row or one column: the norm is a square root of a sum of squares
    deflation,    ///< a few directions in float64, the rest kept below them in float32
    cholesky,   ///< one Gram matrix, one Cholesky factorisation (or `elementary` where it is less)
    elementary  ///< no factorisation succeeded: min(|W|_F, sqrt(largest row sum of |W|^T |W|))
};

[[nodiscard]] std::string_view name_of(NormMethod method);

/// What is proved about one matrix.
struct SpectralNorm {
    Enclosure spectral;
    Enclosure frobenius;
    NormMethod method = NormMethod::zero;
};

/// Encloses the largest singular value of `matrix` (m x n, any shape, finite) in exact arithmetic
/// for the stored entries; the enclosure holds in every case. Relative width, whatever the larger
/// side: 1.0e-9 on Gaussian matrices with up to 2000 rows on the smaller side. The rounding errors
/// that are proved grow with its square (to 1e-8 near 40 000, extrapolated); it is wider where all
/// entries are denormal-scale.
///
/// Where the spectrum has a gap: a few leading directions in float64, the rest kept below them in
/// float32 [S7] [S8] [S9], about the price of a Gram matrix in float32. Else one Gram matrix of the
/// smaller side and one Cholesky factorisation in float64 [S1] [S2] [S3], with |Wv|/|v| of the best
/// vector v that Lanczos or power iteration found from below [S4]: m n^2 + n^3/3 flops for n <= m.
/// Every rounding and underflow is a term of the bound. Beside the matrix, about
/// 12 n^2 + 200 m (1 + n/1024) bytes of memory.
/// Throws Error{environment} where the BLAS fails its self-check, Error{internal} for a non-finite
/// entry (checkpoints refuse those before).
[[nodiscard]] SpectralNorm spectral_norm(const Matrix& matrix);

/// |W|_F^2 / |W|_2^2, between 1 and the rank; [0, 0] for the zero matrix.
[[nodiscard]] Enclosure stable_rank(const SpectralNorm& norm);

}  // namespace lipcert
