#include "bounds/head_weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bounds/search_scope.hpp"
#include "norms/blas.hpp"
#include "norms/parallel.hpp"
#include <Eigen/Eigenvalues>

namespace lipcert {

namespace {

using Eigen::Index;

constexpr int kSteps = 40;
constexpr int kStepsAtMax = 200;
constexpr int kFirstPasses = 12;
constexpr int kPasses = 1;
/// How many leading eigenvectors are followed, and how close (relative) to the top an eigenvalue
/// must be to count as equal to it.
constexpr Index kFollowed = 8;
constexpr double kSmoothing = 0.003;
/// Combinations of unit vectors that are shorter than a hundredth count as dependent: what float32
/// products say along them is noise.
constexpr double kIndependent = 1e-4;
constexpr double kFirstStep = 0.7;
/// Steps shrink to half of the first one after this many.
constexpr double kHalfLife = 8.0;
/// The descent ends when as many steps have lowered the bound by less than this part of it.
constexpr int kPatience = 10;
constexpr double kWorthwhile = 1e-4;
/// A look takes few passes, and its rounding errors must not decide.
constexpr int kPassesOfLook = 4;
constexpr double kClearlyAbove = 1.001;

/// The values relative to the largest of them; 0 where that says nothing.
std::vector<double> relative(const std::vector<Upper>& values, const Upper& largest) {
    std::vector<double> shares;
    for (const Upper& value : values) {
        const bool usable = largest.is_finite() && !largest.is_zero();
        shares.push_back(usable ? (value / Lower::of(largest.value())).to_double() : 0.0);
    }
    return shares;
}

Upper largest_of(const std::vector<Upper>& values) {
    Upper largest;
    for (const Upper& value : values) {
        largest = max(largest, value);
    }
    return largest;
}

std::vector<double> shares_of_largest(const std::vector<Upper>& values) {
    return relative(values, largest_of(values));
}

std::vector<Upper> scales_of(const std::vector<MatrixBall>& balls) {
    std::vector<Upper> scales;
    scales.reserve(balls.size());
    for (const MatrixBall& ball : balls) {
        scales.push_back(Upper::power_of_two(ball.exponent()));
    }
    return scales;
}

Vector to_vector(const std::vector<double>& values, Index size) {
    Vector result = Vector::Zero(size);
    std::copy(values.begin(), values.end(), result.begin());
    return result;
}

/// sum_h w_h C_h C_h^T, C_h = scale_h times the centre of ball h, its exponent apart. Follows the
/// leading eigenvectors V while the weights move: trained heads have flat spectra, where a single
/// vector would be lost. Products with the blocks are in float32, and of few columns: the weights
/// multiply what they give, so that C_h^T V outlives a change of them.
class WeightedGram {
public:
    WeightedGram() = default;

    WeightedGram(const std::vector<MatrixBall>& balls, std::vector<double> scales)
        : scales_(std::move(scales)) {
        begin_.push_back(0);
        for (const MatrixBall& ball : balls) {
            begin_.push_back(begin_.back() + ball.cols());
        }
        const Index rows = balls.empty() ? 0 : balls.front().rows();
        blocks_.resize(rows, begin_.back());
        for_each_row_range(rows, begin_.back(), [&](Index begin, Index end) {
            for (std::size_t h = 0; h < balls.size(); ++h) {
                const Matrix& centre = balls[h].centre();
                blocks_.block(begin, begin_[h], end - begin, centre.cols()) =
                    centre.middleRows(begin, end - begin).cast<float>();
            }
        });
        const Index count = std::min(kFollowed, rows);
        leading_ = Matrix::Identity(rows, count) + Matrix::Constant(rows, count, 0.01);
        parts_ = parts_of(leading_);
    }

    /// About the largest eigenvalue; afterwards `shares` tells what each head has of it.
    double top_eigenvalue(const Vector& weights, int steps) {
        shares_ = Vector::Zero(weights.size());
        const double unit = weigh(weights);
        if (!(unit > 0.0 && std::isfinite(unit))) {
            return unit;
        }
        Vector eigenvalues = Vector::Zero(leading_.cols());
        for (int step = 0; step < steps; ++step) {
            if (!improve(eigenvalues)) {
                return std::numeric_limits<double>::quiet_NaN();
            }
        }
        const double top = eigenvalues(eigenvalues.size() - 1);
        if (!(top > 0.0)) {
            return 0.0;
        }
        // The gradient of the largest eigenvalue, smoothed where several are nearly equal.
        Vector mixture = ((eigenvalues.array() / top - 1.0) / kSmoothing).exp();
        mixture /= mixture.sum();
        const Matrix weighted = factors_.asDiagonal() * parts_;
        for (Index h = 0; h < shares_.size(); ++h) {
            const auto part = weighted.middleRows(begin_of(h), begin_of(h + 1) - begin_of(h));
            const Vector squares = part.colwise().squaredNorm().transpose();
            shares_(h) = unit * unit * squares.dot(mixture);
        }
        return unit * unit * top;
    }

    [[nodiscard]] const Vector& shares() const { return shares_; }

private:
    [[nodiscard]] Index begin_of(Index head) const {
        return begin_[static_cast<std::size_t>(head)];
    }

    /// Takes sqrt(w_h) scale_h for the columns of head h, in parts of the number that it returns:
    /// all are 1 at most, so that float32 loses only what does not count.
    double weigh(const Vector& weights) {
        factors_.resize(blocks_.cols());
        double largest = 0.0;
        for (Index h = 0; h < weights.size(); ++h) {
            const double factor = scales_[static_cast<std::size_t>(h)] * std::sqrt(weights(h));
            factors_.segment(begin_of(h), begin_of(h + 1) - begin_of(h)).setConstant(factor);
            largest = std::max(largest, factor);
        }
        if (largest > 0.0) {
            factors_ /= largest;
        }
        return largest;
    }

    /// Rayleigh-Ritz on the span of the vectors and of what their images have beside them; false
    /// where something is not finite.
    bool improve(Vector& eigenvalues) {
        const Index count = leading_.cols();
        const Matrix images = images_of(parts_);
        Matrix beside = images - leading_ * blas::multiply(leading_, true, images);
        for (Index j = 0; j < count; ++j) {
            const double norm = beside.col(j).norm();
            beside.col(j) *= norm > 0.0 ? 1.0 / norm : 0.0;
        }
        Matrix span(leading_.rows(), 2 * count);
        span << leading_, beside;
        Matrix parts(parts_.rows(), 2 * count);
        parts << parts_, parts_of(beside);
        const Matrix gram = blas::multiply(span, true, span);
        if (!gram.allFinite()) {
            return false;
        }
        const Matrix basis = orthonormal_combinations(gram);
        const Matrix weighted = factors_.asDiagonal() * parts;
        const Matrix small = blas::multiply(weighted, true, weighted);
        const Eigen::SelfAdjointEigenSolver<Matrix> ritz(basis.transpose() * small * basis);
        const Index kept = std::min(count, basis.cols());
        const Matrix chosen = basis * ritz.eigenvectors().rightCols(kept);
        leading_ = blas::multiply(span, false, chosen);
        parts_ = blas::multiply(parts, false, chosen);
        eigenvalues = ritz.eigenvalues().tail(kept);
        return kept > 0 && eigenvalues.allFinite();
    }

    /// X with X^T G X = I for the Gram matrix G of vectors, those left out that the others span.
    static Matrix orthonormal_combinations(const Matrix& gram) {
        const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram);
        const Vector& values = solver.eigenvalues();
        const double least = kIndependent * values(values.size() - 1);
        const Index kept = (values.array() > least).count();
        return solver.eigenvectors().rightCols(kept) *
               values.tail(kept).cwiseSqrt().cwiseInverse().asDiagonal();
    }

    [[nodiscard]] Matrix parts_of(const Matrix& vectors) const {
        return blas::multiply(blocks_, true, FloatMatrix(vectors.cast<float>())).cast<double>();
    }

    [[nodiscard]] Matrix images_of(const Matrix& parts) const {
        const Vector squares = factors_.array().square();
        const FloatMatrix weighted = (squares.asDiagonal() * parts).cast<float>();
        return blas::multiply(blocks_, false, weighted).cast<double>();
    }

    std::vector<double> scales_;
    std::vector<Index> begin_;  ///< the first column of each head, and the end
    FloatMatrix blocks_;        ///< [C_h / scale_h]_h
    Vector factors_;            ///< of its columns
    Matrix leading_;            ///< V
    Matrix parts_;              ///< blocks_^T V
    Vector shares_;
};

/// The problem in doubles, relative to its largest number, and the descent on it.
class WeightSearch {
public:
    explicit WeightSearch(const HeadProblem& problem)
        : heads_(static_cast<Index>(problem.outputs.size())),
          outputs_(problem.outputs, shares_of_largest(scales_of(problem.outputs))),
          joining_(problem.joining),
          steps_(problem.effort == Effort::max ? kStepsAtMax : kSteps) {
        std::vector<Upper> factors;
        if (problem.inputs != nullptr) {
            factors = scales_of(*problem.inputs);
            for (std::size_t h = 0; h < factors.size(); ++h) {
                factors[h] *= problem.factors[h];
            }
        }
        const Upper largest =
            max(largest_of(problem.gains), max(largest_of(problem.offsets), largest_of(factors)));
        gains_ = to_vector(relative(problem.gains, largest), heads_);
        offsets_ = to_vector(relative(problem.offsets, largest), heads_);
        if (problem.inputs != nullptr) {
            inputs_ = WeightedGram(*problem.inputs, relative(factors, largest));
            has_inputs_ = true;
        }
    }

    /// The best log c seen, `start` included.
    Vector run(const Vector& start) {
        const double at_start = evaluate(start, kFirstPasses);
        if (!std::isfinite(at_start)) {
            return start;
        }
        double least = at_start;
        double worthwhile = at_start;
        int last_gain = 0;
        Vector best = start;
        Vector log_weights = start;
        for (int step = 0; step < steps_ && step - last_gain <= kPatience * steps_ / kSteps;
             ++step) {
            const double steepest = gradient_.cwiseAbs().maxCoeff();
            if (!(steepest > 0.0)) {
                break;
            }
            // Long steps far from the minimum, no longer than the gradient asks for near it.
            const double half_life = kHalfLife * steps_ / kSteps;
            const double length = kFirstStep / (1.0 + step / half_life);
            log_weights -= length * std::min(1.0, 4.0 * steepest) / steepest * gradient_;
            const double value = evaluate(log_weights, kPasses);
            if (value < least) {
                least = value;
                best = log_weights;
            }
            if (least < worthwhile - kWorthwhile) {
                worthwhile = least;
                last_gain = step;
            }
        }
        // One pass finds less than the largest eigenvalue: look again before believing it.
        return evaluate(best, kFirstPasses) < at_start ? best : start;
    }

private:
    /// log of the bound; its gradient by log c goes into gradient_.
    double evaluate(const Vector& log_weights, int passes) {
        const Vector weights = log_weights.array().exp();
        const Vector inverse = weights.cwiseInverse();
        const double left = outputs_.top_eigenvalue(weights, passes);
        const Vector gains = gains_.array().square() * inverse.array();
        const Vector offsets = offsets_.array().square() * inverse.array();
        const double gain = std::sqrt(gains.sum());
        const double offset = std::sqrt(offsets.sum());
        const double input = has_inputs_ ? std::sqrt(inputs_.top_eigenvalue(inverse, passes)) : 0.0;
        const double shared = input + offset;
        // right^2 = gain^2 + 2 cosine gain shared + shared^2
        const double cosine = joining_ == Joining::orthogonal ? 0.0
                              : joining_ == Joining::skewed   ? 0.5
                                                              : 1.0;
        const double right =
            std::sqrt(gain * gain + 2.0 * cosine * gain * shared + shared * shared);
        gradient_ = Vector::Zero(heads_);
        if (!(left > 0.0) || !(right > 0.0)) {
            return std::numeric_limits<double>::infinity();  // nothing to weigh
        }
        // d right / d log c_h: each root of a sum of y_h/c_h has -y_h/c_h over twice itself.
        Vector slope = Vector::Zero(heads_);
        const auto add = [&](const Vector& parts, double root, double factor) {
            if (root > 0.0) {
                slope -= factor * 0.5 / root * parts;
            }
        };
        add(gains, gain, (gain + cosine * shared) / right);
        const double of_shared = (shared + cosine * gain) / right;
        add(offsets, offset, of_shared);
        if (has_inputs_) {
            add(inputs_.shares(), input, of_shared);
        }
        gradient_ = 0.5 / left * outputs_.shares() + slope / right;
        return 0.5 * std::log(left) + std::log(right);
    }

    Index heads_;
    WeightedGram outputs_;
    WeightedGram inputs_;
    bool has_inputs_ = false;
    Joining joining_;
    int steps_;
    Vector gains_, offsets_, gradient_;
};

}  // namespace

HeadWeights optimised_weights(const HeadProblem& problem, const HeadWeights& start) {
    if (problem.effort == Effort::fast) {
        return start;
    }
    if (start.roots.empty()) {
        return start;
    }
    const auto search = [&] {
        Vector log_weights = to_vector(start.roots, static_cast<Index>(start.roots.size()));
        log_weights = WeightSearch(problem).run(2.0 * log_weights.array().log());
        const Vector roots = (0.5 * (log_weights.array() - log_weights.maxCoeff())).exp();
        // As they are used, so that they are positive and stay the same when they are read again.
        return weights_of_roots({roots.begin(), roots.end()}).roots;
    };
    const std::vector<double> roots = found_parameters("head-weights", start.roots.size(), search);
    return roots.empty() ? start : weights_of_roots(roots);
}

bool head_sum_seems_above(const Upper& bound,
                          const std::vector<MatrixBall>& blocks,
                          const std::vector<Upper>& gains,
                          const HeadWeights& weights) {
    // For every density matrix D and all weights c' the head sum is bounded by no less than
    // sum_h f_h sqrt(tr B_h^T D B_h): that sum is at most sqrt(sum f_h^2/c'_h) times
    // sqrt(tr D sum c'_h B_h B_h^T), of which the largest eigenvalue is no less.
    const std::vector<Upper> scales = scales_of(blocks);
    const Upper largest = largest_of(scales);
    if (!bound.is_finite() || bound.is_zero() || largest.is_zero()) {
        return false;
    }
    const auto count = static_cast<Index>(blocks.size());
    const Vector squares = to_vector(weights.roots, count).array().square();
    WeightedGram gram(blocks, shares_of_largest(scales));
    (void)gram.top_eigenvalue(squares, kPassesOfLook);
    double ratio = 0.0;
    for (Index h = 0; h < count; ++h) {
        const Upper gain = gains[static_cast<std::size_t>(h)] * largest / Lower::of(bound.value());
        ratio += gain.to_double() * std::sqrt(gram.shares()(h) / squares(h));
    }
    return ratio > kClearlyAbove;
}

}  // namespace lipcert
