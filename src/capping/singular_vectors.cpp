#include "capping/singular_vectors.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "norms/blas.hpp"
#include "norms/eigen_system.hpp"
#include "norms/filtered_subspace.hpp"
#include "norms/gram.hpp"
#include "norms/lanczos.hpp"

namespace lipcert::capping {

namespace {

/// An eigenvalue of the Gram matrix is off by about 2^-50 of the largest one, so singular values
/// are good to 2^-36 of themselves down to here.
constexpr double kResolvedByGram = 0x1p-7;

/// What deflation takes away before it looks at the rest of a spectrum [S9].
constexpr Eigen::Index kDeflatedNearby = 12;

Matrix gram_of(const Matrix& tall) {
    return form_gram(TallPanels::of_smaller_side(tall, 0)).lower;
}

Vector roots(const Vector& eigenvalues) {
    return eigenvalues.cwiseMax(0.0).cwiseSqrt();
}

SingularVectors upper_part(estimate::EigenSystem system, double level) {
    const Eigen::Index count = (system.values.array() > level).count();
    return {roots(system.values.tail(count)), system.vectors.bottomRows(count), true, true};
}

}  // namespace

SingularVectors singular_vectors_above(const Matrix& tall,
                                       std::optional<estimate::GramSpectrum> gram,
                                       const Wanted& wanted) {
    const double level = wanted.above * wanted.above;
    if (gram) {
        std::optional<estimate::EigenpairsAbove> found =
            estimate::eigenpairs_above(tall, std::move(*gram), level, wanted.tolerance);
        if (found) {
            return {roots(found->pairs.values),
                    std::move(found->pairs.vectors),
                    false,
                    found->nearby > kDeflatedNearby};
        }
    }
    return upper_part(estimate::eigen_system(gram_of(tall)), level);
}

SingularVectors all_singular_vectors_above(const Matrix& tall, double above) {
    return upper_part(estimate::eigen_system(gram_of(tall)), above * above);
}

SingularVectors graded_singular_vectors(const Matrix& tall, double resolved) {
    estimate::EigenSystem system = estimate::eigen_system(gram_of(tall));
    SingularVectors result{roots(system.values), std::move(system.vectors), true};
    const Eigen::Index size = result.values.size();
    const double rounding = static_cast<double>(tall.rows()) * 0x1p-52 * result.values(size - 1);
    double split = kResolvedByGram * result.values(size - 1);
    while (split > std::max(resolved, rounding)) {
        const Eigen::Index rest = (result.values.array() <= split).count();
        if (rest == 0) {
            break;
        }
        const Matrix image = blas::multiply(tall, result.vectors.topRows(rest).transpose());
        system = estimate::eigen_system(gram_of(image));
        result.values.head(rest) = roots(system.values);
        result.vectors.topRows(rest) =
            blas::multiply(system.vectors, Matrix(result.vectors.topRows(rest)));
        split = std::min(split, result.values(rest - 1)) * kResolvedByGram;
    }
    return result;
}

Matrix top_singular_vector(const Matrix& tall) {
    return estimate_top_eigenpair(gram_of(tall)).vector.transpose();
}

}  // namespace lipcert::capping
