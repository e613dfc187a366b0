#include "lipcert/norms/second_proof.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "norms/blas.hpp"
#include "norms/paths.hpp"
#include "norms/residual_norm.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

/// |W|_F, entry by entry in directed rounding: no BLAS, no error term.
Enclosure plain_frobenius(const Matrix& matrix) {
    Lower below;
    Upper above;
    for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
        for (Eigen::Index j = 0; j < matrix.cols(); ++j) {
            const double size = std::abs(matrix(i, j));
            below = below + Lower::exact(size) * Lower::exact(size);
            above += square(Upper::exact(size));
        }
    }
    return {sqrt(below), sqrt(above)};
}

/// The better ends of two enclosures of one number.
Enclosure intersected(const Enclosure& a, const Enclosure& b) {
    return {max(a.lower(), b.lower()), min(a.upper(), b.upper())};
}

SecondProof with_help(SecondProof proof, const Matrix& matrix, const std::optional<Lower>& goal) {
    const bool reaches = !goal || proves_at_most(proof.spectral.upper(), *goal);
    if (reaches && proof.spectral.relative_width() <= Upper::power_of_two(-26)) {
        return proof;
    }
    const SpectralNorm other = spectral_norm(matrix);
    return {intersected(proof.spectral, other.spectral),
            intersected(proof.frobenius, other.frobenius),
            true};
}

}  // namespace

std::optional<NormMethod> norm_method_named(std::string_view name) {
    constexpr std::array kMethods = {NormMethod::zero,
                                     NormMethod::dot_product,
                                     NormMethod::deflation,
                                     NormMethod::cholesky,
                                     NormMethod::elementary};
    const auto* const found =
        std::find_if(kMethods.begin(), kMethods.end(), [name](NormMethod method) {
            return name_of(method) == name;
        });
    return found == kMethods.end() ? std::nullopt : std::optional(*found);
}

SecondProof second_proof(const Matrix& matrix,
                         NormMethod made_by,
                         const std::optional<Lower>& goal) {
    blas::require_trusted();
    const std::optional<int> exponent = largest_exponent(matrix);
    if (!exponent || std::min(matrix.rows(), matrix.cols()) == 1) {
        const Enclosure norm = plain_frobenius(matrix);
        return with_help({norm, norm}, matrix, goal);
    }
    if (made_by == NormMethod::deflation) {
        const SpectralNorm norm = norm_by_factorisation(matrix, *exponent, std::nullopt);
        return with_help({norm.spectral, norm.frobenius}, matrix, goal);
    }
    const ResidualNorm norm = residual_norm(matrix, *exponent);
    return with_help({norm.spectral, norm.frobenius}, matrix, goal);
}

}  // namespace lipcert
