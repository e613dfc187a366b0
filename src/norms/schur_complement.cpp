#include "norms/schur_complement.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/blas.hpp"
#include "norms/cholesky_certificate.hpp"
#include "norms/error_terms.hpp"
#include "norms/freivalds.hpp"
#include "norms/large_matrix.hpp"
#include "norms/level_search.hpp"
#include "norms/ritz_correction.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

/// L, zero above its diagonal, and a positive number by which I - X exceeds L L^T at least.
struct ShiftedFactor {
    Matrix lower;
    double excess = 0.0;
};

std::optional<ShiftedFactor> factor_below(const MatrixBall& x) {
    const Eigen::Index size = x.rows();
    constexpr long kMostBits = 60;  // further up no diagonal entry stays below 1
    if (!x.radius().is_finite() || x.exponent() > kMostBits) {
        return std::nullopt;
    }
    Matrix lower = -x.centre();
    const Eigen::Index lost = multiply_by_power_of_two(lower, x.exponent());
    const Vector diagonal = 1.0 + lower.diagonal().array();
    if (!(diagonal.minCoeff() > 0.0 && diagonal.maxCoeff() <= 1.0)) {
        return std::nullopt;
    }
    // Only the lower triangle is used: mirrored, an error of Frobenius norm e becomes at most
    // sqrt(2) e. Two subtractions on the diagonal, of numbers up to 1.
    const Upper two = Upper::of_count(2);
    const Upper forming = two * (x.radius() + entrywise_underflow(lost)) + two * unit_roundoff();
    const Upper expected =
        cholesky_error_from_trace(size, trace_upper(diagonal), Upper::exact(1.0));
    // Twice what is to be covered a priori: a quarter of it is left for what C is off by.
    const double shift = (two * (forming + expected)).to_double();
    const double excess = 0.25 * shift;
    if (!(diagonal.minCoeff() > shift)) {
        return std::nullopt;
    }
    lower.diagonal() = diagonal.array() - shift;
    CholeskyFactor factor = factorise(std::move(lower));
    if (!factor.succeeded() ||
        !proves_at_most(forming + factor.error + Upper::exact(excess), Lower::exact(shift))) {
        return std::nullopt;
    }
    factor.lower.triangularView<Eigen::StrictlyUpper>().setZero();
    return ShiftedFactor{std::move(factor.lower), excess};
}

}  // namespace

std::optional<SchurTerm> schur_term(const MatrixBall& x, const MatrixBall& c) {
    blas::require_trusted();
    const std::optional<ShiftedFactor> factor = factor_below(x);
    if (!factor || !c.radius().is_finite()) {
        return std::nullopt;
    }
    Matrix solution = transposed(c.centre());
    const freivalds::Block witness = freivalds::row_witness(solution);
    blas::solve_right(factor->lower, solution);
    if (!solution.allFinite()) {
        return std::nullopt;
    }
    freivalds::require_solution(witness, solution, factor->lower);
    const MatrixBall image = MatrixBall::around(std::move(solution), 0, Upper());
    const Upper residual = solution_error(c.rows(),
                                          image.centre().size(),
                                          frobenius_norm(image),
                                          frobenius_upper(factor->lower),
                                          largest_entry(image));
    // [S11] [[e I, F], [F^T, k I]] >= 0 for |F|^2 <= e k.
    const Upper off = residual.scaled(c.exponent()) + c.radius();
    return SchurTerm{gram_of_rows(image.scaled(c.exponent())),
                     square(off) / Lower::exact(factor->excess)};
}

Upper largest_eigenvalue(const MatrixBall& a) {
    if (a.centre().isZero(0.0)) {
        return a.radius();
    }
    const Matrix& lower = a.centre();
    const Upper level = search_level(lower, sharp_top_eigenpair(lower)).upper;
    const Upper centre = min(level, frobenius_upper(lower));
    return centre.scaled(a.exponent()) + a.radius();
}

}  // namespace lipcert
