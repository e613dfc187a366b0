#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>

#include "norms/deflation.hpp"
#include "norms/parallel.hpp"
#include "norms/row_kernel.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

Upper count(Eigen::Index number) {
    return Upper::of_count(static_cast<std::size_t>(number));
}

/// M ~ V sqrt(D) in float32, and how far it is from it.
struct Deflator {
    FloatMatrix transposed;  ///< M^T: a direction a row
    Upper squared_norm;      ///< >= |M|_F^2
    Upper squared_mismatch;  ///< >= |M - V sqrt(D)|_F^2
};

Deflator deflator_of(const Matrix& vectors, const Vector& weights) {
    Deflator result;
    const Matrix scaled = vectors * weights.cwiseSqrt().asDiagonal();
    result.transposed = scaled.transpose().cast<float>();
    // sqrt(D) is the computed square root, taken as exact. One product and one conversion, each
    // rounded: 2^-52 + 2^-24 < U of float32; and an underflow.
    const Upper entries = count(scaled.size());
    const auto terms = static_cast<std::size_t>(scaled.size());
    const Upper norm = sqrt(true_sum(scaled.squaredNorm(), terms + 1, 8 * terms).upper()) +
                       sqrt(entries) * underflow_unit();
    const Upper relative = unit_roundoff(Precision::float32);
    const Upper underflow = sqrt(entries) * underflow_unit(Precision::float32);
    const Upper mismatch = Upper::exact(1.0 + 0x1p-40) * relative * norm + underflow;
    result.squared_mismatch = square(mismatch);
    result.squared_norm = square(norm + mismatch);
    return result;
}

/// F - M M^T in loops of our own, direction by direction: a term passes one rounding for each
/// direction and one more.
void subtract_gram(const FloatMatrix& transposed, FloatMatrix& lower) {
    const Eigen::Index n = lower.rows();
    const row_kernel::Vectors vectors{transposed.data(), transposed.cols(), transposed.rows()};
    for_each_row(n, n, [&](Eigen::Index i) {
        row_kernel::longest().subtract_gram(vectors, i, &lower(i, 0));
    });
}

/// [S8] Rounding of F - M M^T in float32.
Upper downdate_error(const CrudeGram& gram, const Deflator& deflator, Eigen::Index columns) {
    const Eigen::Index n = gram.lower.rows();
    const Upper relative = gamma(static_cast<std::size_t>(columns) + 1, Precision::float32);
    const Upper underflow = count(16 * (columns + 1)) * count(n) *
                            (Upper::exact(1.0) + deflator.squared_norm) *
                            underflow_unit(Precision::float32);
    return relative * (gram.frobenius + deflator.squared_norm) + underflow;
}

}  // namespace

Upper bound_of_rest(
    CrudeGram& gram, const Matrix& vectors, const Vector& weights, double rest, double ceiling) {
    const Deflator deflator = deflator_of(vectors, weights);
    subtract_gram(deflator.transposed, gram.lower);
    const Upper beside =
        gram.error + downdate_error(gram, deflator, vectors.cols()) + deflator.squared_mismatch;
    // Most often the diagonal alone is too large for the norm to be small enough.
    if (gram.lower.diagonal().cast<double>().norm() < ceiling) {
        Upper by_norm = frobenius_of_symmetric(gram.lower) + beside;
        if (by_norm < Upper::exact(ceiling)) {
            return by_norm;
        }
    }
    const double room = ceiling - beside.to_double() - rest;
    if (!(room > 0.0)) {
        return Upper::infinity();
    }
    const auto level = static_cast<float>(rest + kShareOfRoom * room);
    return certify_crude_level(gram.lower, level) + beside;
}

}  // namespace lipcert
