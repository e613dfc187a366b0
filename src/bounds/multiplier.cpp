#include "bounds/multiplier.hpp"

#include <algorithm>
#include <cmath>

#include "norms/blas.hpp"
#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/crude_gram.hpp"
#include "norms/krylov_space.hpp"
#include "norms/lanczos.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"
#include "norms/triangular.hpp"

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

/// X = W2 T^-1 W2^T and r^2 W1^T T W1 for a diagonal T > 0: lower triangles, zeros above.
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
    const double square = problem.half_width * problem.half_width;
    return {sum_of_grams(problem.out.rows(), hidden, true, out),
            square * sum_of_grams(problem.in.cols(), hidden, false, in)};
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
    if (!grams.x.allFinite() || !grams.y.allFinite()) {
        return std::nullopt;
    }
    Matrix factor = -grams.x;
    factor.diagonal().array() += 1.0;
    if (blas::cholesky(factor) != 0) {
        return std::nullopt;
    }
    Matrix half = problem.centre.transpose();
    blas::solve_right(factor, half);
    const auto columns = [&](Index begin, Index count) -> Matrix {
        return half.middleCols(begin, count);
    };
    const Matrix lower = grams.y + sum_of_grams(half.rows(), half.cols(), true, columns);
    if (!lower.allFinite()) {
        return std::nullopt;
    }
    const Estimate top = estimate_top_eigenpair(lower);
    Vector image = problem.centre * top.vector;
    solve_with_factor(factor, image);
    const Vector into = problem.half_width * (problem.in * top.vector);
    const Vector from = problem.out.transpose() * image;
    return Point{
        top.eigenvalue,
        diagonal.array() * into.array().square() - from.array().square() / diagonal.array()};
}

/// A diagonal multiplier T > 0 and about the bound that it proves.
struct Multiplier {
    Vector diagonal;
    double bound = 0.0;
};

}  // namespace

int steps_of_search(const HiddenLayer& layer, Effort effort) {
    if (effort == Effort::fast) {
        return 0;
    }
    const auto hidden = static_cast<double>(layer.in().rows());
    const auto inputs = static_cast<double>(layer.in().cols());
    const auto outputs = static_cast<double>(layer.out().rows());
    const double each = hidden * (inputs * inputs + outputs * outputs) + inputs * inputs * outputs;
    const double budget = effort == Effort::max ? kBudgetAtMax : kBudget;
    const int most = effort == Effort::max ? kMostStepsAtMax : kMostSteps;
    return static_cast<int>(std::clamp(budget / each, 0.0, static_cast<double>(most)));
}

double common_factor(double h, double al, double be) {
    constexpr double kALittleMore = 1.0001;
    return kALittleMore * (std::sqrt(al * be) + h) * std::sqrt(al / be);
}

double estimated_norm(const Matrix& a) {
    const std::optional<int> exponent = largest_exponent(a);
    if (!exponent) {
        return 0.0;
    }
    Matrix scaled = a;
    multiply_by_power_of_two(scaled, -*exponent);
    const CrudeGram gram = form_crude_gram(SmallerSide(scaled, 0)).value();
    const auto pairs = leading_ritz_pairs(gram.lower, until_good_top);
    const double square = pairs ? std::max(pairs->values(0), 0.0) : 0.0;
    return std::ldexp(std::sqrt(square), *exponent);
}

std::optional<Vector> search_multiplier(const MultiplierProblem& problem, int steps) {
    Vector diagonal = balanced_multiplier(problem.in, problem.out);
    Grams grams = grams_at(problem, diagonal);
    const double factor = common_factor(estimated_norm(problem.centre),
                                        estimate_top_eigenpair(grams.x).eigenvalue,
                                        estimate_top_eigenpair(grams.y).eigenvalue);
    diagonal *= factor;
    grams.x /= factor;
    grams.y *= factor;
    if (!diagonal.allFinite() || !(diagonal.minCoeff() > 0.0)) {
        return std::nullopt;
    }
    std::optional<Multiplier> best;
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
    return best->diagonal;
}

}  // namespace lipcert
