#include "norms/lanczos.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <utility>

#include "norms/blas.hpp"
#include "norms/start_vectors.hpp"
#include "norms/triangular.hpp"
#include <Eigen/Eigenvalues>
#include <Spectra/SymEigsSolver.h>

namespace lipcert {

namespace {

constexpr Eigen::Index kDenseSize = 64;
constexpr Eigen::Index kSubspace = 32;
constexpr int kPowerSteps = 8;

Vector start_vector(Eigen::Index size, std::uint64_t state) {
    return estimate::StartVectors(state).next(1, size).row(0).transpose();
}

void multiply(const Matrix& lower, const double* x, double* y) {
    const Eigen::Map<const Vector> input(x, lower.rows());
    Eigen::Map<Vector>(y, lower.rows()) = lower.selfadjointView<Eigen::Lower>() * input;
}

/// 2^-k G + I/2 with trace(2^-k G) about n: Spectra's constants are absolute, so it needs a mean
/// eigenvalue of about 1; the shift keeps a rank-one or zero matrix from breaking its QR steps.
class NormalisedGram {
public:
    using Scalar = double;

    explicit NormalisedGram(const Matrix& lower) : lower_(lower) {
        const auto mean = static_cast<double>(lower.diagonal().mean());
        int exponent = 0;
        std::frexp(mean, &exponent);
        factor_ = std::ldexp(1.0, -exponent);
    }

    [[nodiscard]] Eigen::Index rows() const { return lower_.rows(); }

    [[nodiscard]] Eigen::Index cols() const { return lower_.cols(); }

    [[nodiscard]] double factor() const { return factor_; }

    void perform_op(const double* x, double* y) const {  // the name that Spectra calls
        multiply(lower_, x, y);
        Eigen::Map<Vector> output(y, rows());
        output = factor_ * output + 0.5 * Eigen::Map<const Vector>(x, rows());
    }

private:
    const Matrix& lower_;
    double factor_ = 1.0;
};

/// Spectra hands out converged vectors only; where the top of the spectrum is crowded, the best
/// unconverged one is still what the first level needs.
class TopRitzSolver : public Spectra::SymEigsSolver<NormalisedGram> {
public:
    using SymEigsSolver::SymEigsSolver;

    [[nodiscard]] lipcert::Vector top_vector() const {
        const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> projected(m_fac.matrix_H());
        return m_fac.matrix_V() * projected.eigenvectors().rightCols(1);
    }
};

Estimate lanczos(const Matrix& lower, const Vector& start) {
    constexpr double kTolerance = 1e-5;  // of the residual; the Rayleigh quotient has its square
    constexpr Eigen::Index kRestarts = 12;
    try {
        NormalisedGram operation(lower);
        TopRitzSolver solver(operation, 1, std::min(kSubspace, lower.rows()));
        solver.init(start.data());
        solver.compute(Spectra::SortRule::LargestAlge, kRestarts, kTolerance);
        return rayleigh_quotient(lower, solver.top_vector());
    } catch (const std::exception&) {  // what is missing costs time, not soundness
        return rayleigh_quotient(lower, start);
    }
}

Estimate power_iteration(const Matrix& lower, Vector vector) {
    for (int step = 0; step < kPowerSteps; ++step) {
        const Vector image = symmetric_product(lower, vector);
        const double length = image.norm();
        if (!(length > 0.0 && std::isfinite(length))) {
            break;
        }
        vector = image / length;
    }
    return rayleigh_quotient(lower, vector);
}

}  // namespace

Estimate rayleigh_quotient(const Matrix& lower, const Vector& direction) {
    Estimate result;
    const double largest = direction.cwiseAbs().maxCoeff();
    if (largest > 0.0 && direction.allFinite()) {
        result.vector = (direction / largest).normalized();
    } else {
        result.vector = Vector::Unit(lower.rows(), 0);
    }
    result.eigenvalue =
        result.vector.dot(symmetric_product(lower, result.vector)) / result.vector.squaredNorm();
    return result;
}

Estimate better(Estimate a, Estimate b) {
    return b.eigenvalue > a.eigenvalue ? std::move(b) : std::move(a);
}

Estimate dense_top_eigenpair(const Matrix& lower) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(lower);
    if (solver.info() != Eigen::Success) {
        return rayleigh_quotient(lower, Vector::Ones(lower.rows()));
    }
    return rayleigh_quotient(lower, solver.eigenvectors().col(lower.rows() - 1));
}

Estimate estimate_top_eigenpair(const Matrix& lower) {
    Eigen::Index largest = 0;
    lower.diagonal().maxCoeff(&largest);
    const Estimate fallback = better(rayleigh_quotient(lower, Vector::Unit(lower.rows(), largest)),
                                     power_iteration(lower, start_vector(lower.rows(), 1)));
    if (lower.rows() <= kDenseSize) {
        return better(fallback, dense_top_eigenpair(lower));
    }
    return better(fallback, lanczos(lower, start_vector(lower.rows(), 2)));
}

Estimate improve(const Matrix& lower, const Estimate& start) {
    if (lower.rows() <= kDenseSize) {
        return power_iteration(lower, start.vector);
    }
    return better(start, lanczos(lower, start.vector));
}

}  // namespace lipcert
