#include "lipcert/norms/spectral_norm.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "norms/blas.hpp"
#include "norms/certified_ends.hpp"
#include "norms/crude_gram.hpp"
#include "norms/deflation.hpp"
#include "norms/error_terms.hpp"
#include "norms/gram.hpp"
#include "norms/lanczos.hpp"
#include "norms/large_matrix.hpp"
#include "norms/level_search.hpp"
#include "norms/paths.hpp"
#include "norms/ritz_correction.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

namespace {

/// Below it a factorisation in float64 takes less time than Lanczos.
constexpr Eigen::Index kSmallestDeflated = 128;

/// A few times the width that a factorisation gives.
constexpr double kWidestDeflated = 1e-8;

/// That of the largest entry of a matrix that is not zero.
int exponent_of(const Matrix& matrix) {
    return largest_exponent(matrix).value();
}

SpectralNorm norm_of_vector(const Matrix& matrix, int exponent) {
    Matrix scaled = matrix;
    const Eigen::Index lost = multiply_by_power_of_two(scaled, -exponent);
    const Enclosure squares = sum_of_squares(scaled);
    const Enclosure norm(sqrt(squares.lower()), sqrt(squares.upper()));
    SpectralNorm result;
    result.spectral = widened(norm, entrywise_underflow(lost)).scaled(exponent);
    result.frobenius = result.spectral;
    result.method = NormMethod::dot_product;
    return result;
}

}  // namespace

std::string_view name_of(NormMethod method) {
    switch (method) {
        case NormMethod::zero:
            return "zero";
        case NormMethod::dot_product:
            return "dot-product";
        case NormMethod::deflation:
            return "deflation";
        case NormMethod::cholesky:
            return "cholesky";
        case NormMethod::elementary:
            return "elementary";
    }
    return "unknown";
}

SpectralNorm norm_by_factorisation(const Matrix& matrix,
                                   int exponent,
                                   const std::optional<Vector>& start) {
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    Gram gram = form_gram(panels);
    Estimate first =
        start ? rayleigh_quotient(gram.lower, *start) : sharp_top_eigenpair(gram.lower);
    const TopEigenvalue top = search_level(std::move(gram.lower), std::move(first));
    return norm_between(panels, gram, top.upper, top.estimate.vector, exponent);
}

SpectralNorm norm_by_deflation(const Matrix& matrix, int exponent) {
    if (std::abs(exponent) > SmallerSide::kLargestExponent) {
        Matrix scaled = matrix;
        multiply_by_power_of_two(scaled, -exponent);
        SpectralNorm result = norm_by_deflation(scaled, 0);
        const Upper error = entrywise_underflow(matrix.size());
        result.spectral = widened(result.spectral, error).scaled(exponent);
        result.frobenius = widened(result.frobenius, error).scaled(exponent);
        return result;
    }
    const SmallerSide side(matrix, exponent);
    if (!sees_small_gaps(side) && !may_have_gap(side)) {
        return norm_by_factorisation(matrix, exponent_of(matrix), std::nullopt);
    }
    std::optional<CrudeGram> gram = form_crude_gram(side);
    if (!gram) {  // the exponent was not near that of the largest entry
        return norm_by_deflation(matrix, exponent_of(matrix));
    }
    const std::optional<RitzPairs> pairs = pairs_to_deflate(*gram);
    const Enclosure squares = gram->sum_of_squares;
    std::optional<Vector> start;
    const DeflationPlan plan = pairs ? plan_deflation(*gram, *pairs) : DeflationPlan();
    if (plan.directions > 0) {
        const auto norm = deflated_norm(side, *gram, *pairs, plan);
        // A wide one says that the directions were no eigenvectors: the other way is sharper.
        if (norm && norm->relative_width() <= Upper::exact(kWidestDeflated)) {
            recycle(std::move(gram->lower));
            SpectralNorm result;
            result.spectral = norm->scaled(exponent);
            result.frobenius =
                Enclosure(sqrt(squares.lower()), sqrt(squares.upper())).scaled(exponent);
            result.method = NormMethod::deflation;
            return result;
        }
    } else if (pairs) {  // while the Gram matrix is what it was
        start = sharpened_top(
            gram->lower, *pairs, [&side](const Matrix& vectors) { return side.images(vectors).z; });
    }
    recycle(std::move(gram->lower));
    return norm_by_factorisation(matrix, exponent_of(matrix), start);
}

SpectralNorm spectral_norm(const Matrix& matrix) {
    blas::require_trusted();
    const Eigen::Index smaller = std::min(matrix.rows(), matrix.cols());
    if (smaller >= kSmallestDeflated) {
        // A pass over the matrix less, where some of its entries tell how large all of them are.
        const std::optional<int> guess = exponent_of_some(matrix);
        if (guess && std::abs(*guess) <= SmallerSide::kLargestExponent) {
            return norm_by_deflation(matrix, *guess);
        }
    }
    const std::optional<int> exponent = largest_exponent(matrix);
    if (!exponent) {
        return {};
    }
    if (smaller == 1) {
        return norm_of_vector(matrix, *exponent);
    }
    if (smaller < kSmallestDeflated) {
        return norm_by_factorisation(matrix, *exponent, std::nullopt);
    }
    return norm_by_deflation(matrix, *exponent);
}

Enclosure stable_rank(const SpectralNorm& norm) {
    if (norm.spectral.upper().is_zero()) {
        return {};
    }
    return {norm.frobenius.lower() * norm.frobenius.lower() /
                (norm.spectral.upper() * norm.spectral.upper()),
            square(norm.frobenius.upper()) / (norm.spectral.lower() * norm.spectral.lower())};
}

}  // namespace lipcert
