#include "bounds/multiplier.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bounds/search_scope.hpp"
#include "norms/blas.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/lanczos.hpp"
#include <Eigen/Cholesky>

namespace lipcert {

namespace {

using Eigen::Index;

constexpr double kFirstStep = 0.5;
constexpr double kHalfLife = 6.0;
/// Multiply-adds that the search may spend on forming matrices.
constexpr double kBudget = 1.2e9;
constexpr int kMostSteps = 60;
/// With every effort: the steps for narrow matrices, and the budget for wide ones.
constexpr int kMostStepsAtMax = 100;
constexpr double kBudgetAtMax = 1e12;
/// Multipliers of hidden units that do nothing are kept within this factor of the others.
constexpr double kRange = 0x1p40;

/// The number of steps that the budget allows.
int steps_for(const MultiplierProblem& problem, Effort effort) {
    const auto hidden = static_cast<double>(problem.in.rows());
    const auto inputs = static_cast<double>(problem.in.cols());
    const auto outputs = static_cast<double>(problem.out.rows());
    const double each = hidden * (inputs * inputs + outputs * outputs) + inputs * inputs * outputs;
    const double budget = effort == Effort::max ? kBudgetAtMax : kBudget;
    const int most = effort == Effort::max ? kMostStepsAtMax : kMostSteps;
    return static_cast<int>(std::clamp(budget / each, 0.0, static_cast<double>(most)));
}

/// X = W2 T^-1 W2^T and Y = W1^T T W1 for a diagonal T > 0: lower triangles, zeros above.
struct Grams {
    Matrix x, y;
};

/// The sum of the Gram matrices of panels, of which panel i begins at row (or column) i.
template <typename PanelAt>
Matrix sum_of_grams(Index size, Index inner, bool columns, const PanelAt& panel_at) {
    Matrix lower(size, size);
    blas::Into into = blas::Into::overwrite;
    for (Index begin = 0; begin < inner; begin += blas::kPanelLength) {
        const Index count = std::min(blas::kPanelLength, inner - begin);
        blas::gram_of_panel(panel_at(begin, count), columns, into, lower);
        into = blas::Into::add;
    }
    lower.triangularView<Eigen::StrictlyUpper>().setZero();
    return lower;
}

Grams grams_at(const MultiplierProblem& problem, const Vector& diagonal) {
    const Vector roots = diagonal.cwiseSqrt();
    const Vector inverse_roots = roots.cwiseInverse();
    const Index hidden = diagonal.size();
    const auto out = [&](Index begin, Index count) -> Matrix {
        return problem.out.middleCols(begin, count) *
               inverse_roots.segment(begin, count).asDiagonal();
    };
    const auto in = [&](Index begin, Index count) -> Matrix {
        return roots.segment(begin, count).asDiagonal() * problem.in.middleRows(begin, count);
    };
    return {sum_of_grams(problem.out.rows(), hidden, true, out),
            sum_of_grams(problem.in.cols(), hidden, false, in)};
}

/// What the bound and its gradient need at one T.
struct Point {
    double bound_squared = 0.0;
    Vector gradient;  ///< of the square of the bound, by log T
};

/// `grams`: at T = `diagonal`.
std::optional<Point> evaluate(const MultiplierProblem& problem,
                              const Vector& diagonal,
                              const Grams& grams) {
    const Index outputs = problem.out.rows();
    if (!grams.x.allFinite() || !grams.y.allFinite()) {
        return std::nullopt;
    }
    const Eigen::LLT<Matrix> factor(Matrix::Identity(outputs, outputs) - grams.x);
    if (factor.info() != Eigen::Success) {
        return std::nullopt;
    }
    const Matrix half = factor.matrixL().solve(problem.centre);
    const auto rows = [&](Index begin, Index count) -> Matrix {
        return half.middleRows(begin, count);
    };
    const Matrix lower = grams.y + sum_of_grams(half.cols(), outputs, false, rows);
    if (!lower.allFinite()) {
        return std::nullopt;
    }
    const Estimate top = estimate_top_eigenpair(lower);
    const Vector image = factor.solve(problem.centre * top.vector);
    const Vector into = problem.in * top.vector;
    const Vector from = problem.out.transpose() * image;
    return Point{
        top.eigenvalue,
        diagonal.array() * into.array().square() - from.array().square() / diagonal.array()};
}

/// T0_i = |column i of W2| / |row i of W1| balances the two factors unit by unit.
Vector balanced(const MultiplierProblem& problem) {
    Vector diagonal = problem.out.colwise().norm().transpose();
    const Vector rows = problem.in.rowwise().norm();
    const double typical = std::sqrt(diagonal.maxCoeff() / std::max(rows.maxCoeff(), 1e-300));
    for (Index i = 0; i < diagonal.size(); ++i) {
        const double ratio = rows(i) > 0.0 ? diagonal(i) / rows(i) : 0.0;
        diagonal(i) = ratio > 0.0 ? ratio : typical * typical;
    }
    const double largest = diagonal.maxCoeff();
    return diagonal.cwiseMax(largest / kRange);
}

/// [R10'] the best common factor of T0 for |Hc| = h, lmax(X) = al, lmax(Y) = be.
double common_factor(const MultiplierProblem& problem, const Grams& grams) {
    const double al = estimate_top_eigenpair(grams.x).eigenvalue;
    const double be = estimate_top_eigenpair(grams.y).eigenvalue;
    const Matrix gram = blas::multiply(problem.centre.transpose(), problem.centre);
    const double h = std::sqrt(std::max(estimate_top_eigenpair(gram).eigenvalue, 0.0));
    return (std::sqrt(al * be) + h) * std::sqrt(al / be);
}

std::optional<Multiplier> best_multiplier(const MultiplierProblem& problem, Effort effort) {
    Vector diagonal = balanced(problem);
    Grams grams = grams_at(problem, diagonal);
    const double factor = 1.0001 * common_factor(problem, grams);
    diagonal *= factor;
    grams.x /= factor;
    grams.y *= factor;
    if (!diagonal.allFinite() || !(diagonal.minCoeff() > 0.0)) {
        return std::nullopt;
    }
    std::optional<Multiplier> best;
    const int steps = steps_for(problem, effort);
    for (int step = 0; step <= steps; ++step) {
        if (step > 0) {
            grams = grams_at(problem, diagonal);
        }
        const std::optional<Point> point = evaluate(problem, diagonal, grams);
        if (!point) {
            if (!best) {
                return std::nullopt;
            }
            // A step too far: T must stay large enough for W2 T^-1 W2^T < I.
            diagonal = (diagonal.array() * best->diagonal.array()).sqrt() * 1.1;
            continue;
        }
        const double bound = std::sqrt(point->bound_squared);
        if (!best || bound < best->bound) {
            best = Multiplier{diagonal, bound};
        }
        const double steepest = point->gradient.cwiseAbs().maxCoeff();
        if (!(steepest > 0.0)) {
            break;
        }
        const double length = kFirstStep / (1.0 + step / kHalfLife);
        diagonal.array() *= (-length / steepest * point->gradient).array().exp();
    }
    return best;
}

}  // namespace

std::optional<Multiplier> search_multiplier(const MultiplierProblem& problem, Effort effort) {
    const Index size = problem.in.rows();
    // The diagonal, then the bound; nothing where one of them is no positive number.
    const std::vector<double> found =
        found_parameters("multiplier", static_cast<std::size_t>(size + 1), [&problem, effort] {
            std::vector<double> numbers;
            if (const std::optional<Multiplier> best = best_multiplier(problem, effort)) {
                numbers.assign(best->diagonal.begin(), best->diagonal.end());
                numbers.push_back(best->bound);
            }
            const bool usable = std::all_of(numbers.begin(), numbers.end(), [](double number) {
                return std::isfinite(number) && number > 0.0;
            });
            return usable ? numbers : std::vector<double>();
        });
    if (found.empty()) {
        return std::nullopt;
    }
    return Multiplier{Eigen::Map<const Vector>(found.data(), size), found.back()};
}

}  // namespace lipcert
