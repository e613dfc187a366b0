#include "norms/level_search.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "norms/cholesky_certificate.hpp"
#include "norms/eigen_system.hpp"
#include "norms/freivalds.hpp"
#include "norms/large_matrix.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

constexpr int kAttempts = 16;
constexpr int kAttemptOfDenseSolver = 12;
/// The first level stands this far above the estimate: a factor exists from about sqrt(n) U on, and
/// half of it is the relative width of the norm.
constexpr double kFirstGap = 2e-9;
/// A certified level this close (relative, in the square) to the estimate needs no second look.
constexpr double kGoodGap = 4e-9;
/// How fast the gap widens while levels fail, and how much of the gap to a certified level is left
/// after inverse iteration.
constexpr double kWidening = 16.0;
constexpr double kNarrowing = 256.0;

/// Solves with the factor of level I - G: each pass damps every eigenvector but the top one by
/// (level - top)/(level - other), however small the relative gap of G itself.
Vector inverse_iteration(const CholeskyFactor& factor, Vector vector) {
    constexpr int kPasses = 8;
    for (int pass = 0; pass < kPasses; ++pass) {
        solve_with_factor(factor.lower, vector);
        vector /= vector.cwiseAbs().maxCoeff();
    }
    return vector;
}

/// The last resort: every eigenpair, by LAPACK's blocked solver where that can be had.
Estimate top_of_all(const Matrix& lower) {
    try {
        const estimate::EigenSystem all = estimate::eigen_system(lower);
        const Eigen::Index last = all.vectors.rows() - 1;
        return rayleigh_quotient(lower, all.vectors.row(last).transpose());
    } catch (const Error&) {  // too large for it: what is missing costs width, not soundness
        return rayleigh_quotient(lower, Vector::Ones(lower.rows()));
    }
}

/// The search for the lowest level with a Cholesky certificate. Where to try next is a heuristic;
/// each success only adds a valid bound.
class LevelSearch {
public:
    LevelSearch(Matrix lower, Estimate start)
        : lower_(std::move(lower)),
          diagonal_(lower_.diagonal()),
          estimate_(std::move(start)),
          smallest_gap_(std::max(kFirstGap, 0x1p-49 * static_cast<double>(lower_.rows()))),
          gap_(smallest_gap_) {
        mirror_above(lower_);
        witness_ = freivalds::factor_witness(lower_);
    }

    [[nodiscard]] TopEigenvalue run() {
        for (int attempt = 0; attempt < kAttempts && !is_good(); ++attempt) {
            if (attempt == kAttemptOfDenseSolver) {
                estimate_ = better(estimate_, top_of_all(lower_));
                gap_ = smallest_gap_;
            }
            try_level(estimate_.eigenvalue * (1.0 + gap_));
        }
        recycle(std::move(lower_));
        return {upper_, estimate_, factorisations_};
    }

private:
    [[nodiscard]] bool is_good() const {
        const double good = std::max(kGoodGap, smallest_gap_);
        return certified_level_ <= estimate_.eigenvalue * (1.0 + good);
    }

    void try_level(double level) {
        ++factorisations_;
        EigenvalueCertificate certificate = certify_level(std::move(lower_), level);
        upper_ = min(upper_, certificate.largest_eigenvalue);
        const bool succeeded = certificate.factor.succeeded();
        if (succeeded) {
            certified_level_ = std::min(certified_level_, level);
        }
        if (succeeded && is_good()) {
            lower_ = std::move(certificate.factor.lower);
            return;
        }
        const Vector direction = succeeded ? inverse_iteration(certificate.factor, estimate_.vector)
                                           : failing_direction(certificate.factor);
        lower_ = std::move(certificate.factor.lower);
        mirror_below(lower_);
        lower_.diagonal() = diagonal_;
        // The next level is about this matrix and no other: the same sums of the same numbers are
        // equal, unless a routine wrote where it has no business.
        if (freivalds::factor_witness(lower_) != witness_) {
            freivalds::distrust("what stands above a Cholesky factor (dpotrf, dgemm)", 0);
        }
        const Estimate found = rayleigh_quotient(lower_, direction);
        if (succeeded) {
            estimate_ = better(estimate_, found);
            const double between = (certified_level_ / estimate_.eigenvalue - 1.0) / kNarrowing;
            gap_ = std::max(smallest_gap_, between);
        } else {
            // The factor breaks off at a vector whose Rayleigh quotient is at least the level: this
            // finds a top vector that the start of Lanczos was orthogonal to.
            if (found.eigenvalue > level) {
                estimate_ = improve(lower_, found);
            }
            gap_ *= kWidening;
        }
    }

    Matrix lower_;     ///< its factor once a level is good
    Vector diagonal_;  ///< of the matrix, which stands above the diagonal too
    freivalds::Block witness_;
    Estimate estimate_;
    double smallest_gap_;
    double gap_;
    double certified_level_ = std::numeric_limits<double>::infinity();
    Upper upper_ = Upper::infinity();
    int factorisations_ = 0;
};

}  // namespace

TopEigenvalue search_level(Matrix lower, Estimate start) {
    return LevelSearch(std::move(lower), std::move(start)).run();
}

}  // namespace lipcert
