#include "norms/spectral_density.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "norms/start_vectors.hpp"
#include <Eigen/Eigenvalues>

namespace lipcert::estimate {

namespace {

using Index = Eigen::Index;

/// A block of this many rows costs one product little more than a single row would.
constexpr Index kProbes = 8;
constexpr Index kSteps = 32;
/// Beyond it a Krylov space is exhausted, as far as float32 can tell.
constexpr double kExhausted = 1e-5;

/// Lanczos without reorthogonalisation from each row on its own: the tridiagonal matrices.
struct Tridiagonals {
    Matrix diagonal = Matrix::Zero(kProbes, kSteps);
    Matrix beside = Matrix::Zero(kProbes, kSteps);
    std::array<Index, kProbes> steps{};
};

Tridiagonals tridiagonals(const Product<FloatMatrix>& times, Index size) {
    Tridiagonals result;
    result.steps.fill(kSteps);
    FloatMatrix before = FloatMatrix::Zero(kProbes, size);
    FloatMatrix rows = StartVectors(5).next(kProbes, size).rowwise().normalized().cast<float>();
    for (Index step = 0; step < kSteps; ++step) {
        FloatMatrix next;
        times(rows, next);
        for (Index i = 0; i < kProbes; ++i) {
            if (step >= result.steps.at(static_cast<std::size_t>(i))) {
                continue;
            }
            const auto diagonal = static_cast<double>(next.row(i).dot(rows.row(i)));
            result.diagonal(i, step) = diagonal;
            next.row(i) -= static_cast<float>(diagonal) * rows.row(i);
            if (step > 0) {
                next.row(i) -= static_cast<float>(result.beside(i, step - 1)) * before.row(i);
            }
            const auto beside = static_cast<double>(next.row(i).norm());
            if (!(beside > kExhausted * result.diagonal.row(i).maxCoeff())) {
                result.steps.at(static_cast<std::size_t>(i)) = step + 1;
                next.row(i).setZero();
                continue;
            }
            result.beside(i, step) = beside;
            next.row(i) /= static_cast<float>(beside);
        }
        before = std::move(rows);
        rows = std::move(next);
    }
    return result;
}

}  // namespace

SpectralDensity::SpectralDensity(const Product<FloatMatrix>& times, Index size) {
    const Tridiagonals of = tridiagonals(times, size);
    for (Index i = 0; i < kProbes; ++i) {
        const Index steps = of.steps.at(static_cast<std::size_t>(i));
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
        solver.computeFromTridiagonal(of.diagonal.row(i).head(steps).transpose(),
                                      of.beside.row(i).head(steps - 1).transpose());
        for (Index k = 0; k < steps; ++k) {
            const double share = std::pow(solver.eigenvectors()(0, k), 2);
            nodes_.push_back(
                {solver.eigenvalues()(k), share * static_cast<double>(size) / kProbes});
        }
    }
    std::sort(nodes_.begin(), nodes_.end(), [](const Node& a, const Node& b) {
        return a.value > b.value;
    });
    double above = 0.0;
    for (Node& node : nodes_) {
        const double here = node.above;
        node.above = above + 0.5 * here;
        above += here;
    }
}

double SpectralDensity::count_above(double level) const {
    Node last{nodes_.front().value, 0.0};
    for (const Node& node : nodes_) {
        if (node.value <= level) {
            const double part = (last.value - level) / (last.value - node.value);
            return last.value > level ? last.above + part * (node.above - last.above) : last.above;
        }
        last = node;
    }
    return last.above;
}

double SpectralDensity::level_below(double count) const {
    Node last{nodes_.front().value, 0.0};
    for (const Node& node : nodes_) {
        if (node.above >= count) {
            const double part = (count - last.above) / (node.above - last.above);
            return last.value + part * (node.value - last.value);
        }
        last = node;
    }
    return 0.0;
}

double SpectralDensity::spread(double count) {
    constexpr double kDeviations = 2.0;
    return kDeviations * std::sqrt(2.0 * std::max(count, 1.0) / kProbes);
}

}  // namespace lipcert::estimate
