#include "execution/ascent.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lipcert {

namespace {

using Eigen::Index;

/// Every token divided by its norm; the max-token norm's answer to a linear functional.
Matrix unit_tokens(const Matrix& stream) {
    Matrix result = stream;
    for (Index token = 0; token < result.rows(); ++token) {
        const double norm = result.row(token).stableNorm();
        if (norm > 0.0 && std::isfinite(norm)) {
            result.row(token) /= norm;
        } else {
            result.row(token).setZero();
        }
    }
    return result;
}

/// What J does to the best perturbation found: |J d| in the max-token norm for |d| = 1.
struct Gain {
    double value = 0.0;
    Matrix perturbation;
    Matrix direction;  ///< one token of the output, unit length
};

/// Alternates d = units of J^T u and u = the longest token of J d: neither step lowers <u, J d>.
Gain power_steps(const Linearisation& at, Matrix direction, int count) {
    Gain gain;
    for (int step = 0; step < count; ++step) {
        gain.perturbation = unit_tokens(at.pull(direction));
        const Matrix moved = at.push(gain.perturbation);
        Index longest = 0;
        const double value = moved.rowwise().norm().maxCoeff(&longest);
        if (!std::isfinite(value) || value <= 0.0) {
            break;
        }
        direction = Matrix::Zero(moved.rows(), moved.cols());
        direction.row(longest) = moved.row(longest) / value;
        gain.value = value;
        gain.direction = direction;
    }
    return gain;
}

class Ascent {
public:
    Ascent(const SearchedFunction& function, const WitnessOptions& options, std::mt19937_64& random)
        : function_(function), options_(options), random_(random) {}

    void from(Matrix start) {
        if (!std::isfinite(function_.radius)) {
            start = best_scale(start);
        }
        clip(start, function_.radius);
        Matrix input = std::move(start);
        Gain gain = fresh_gain(input);
        double step = 0.3;
        for (std::size_t k = 0; k < options_.steps && step > 1e-4; ++k) {
            Matrix moved = input + step * size_of(input) * unit_tokens(slope(input, gain));
            clip(moved, function_.radius);
            const Gain there = warm_gain(moved, gain);
            if (there.value > gain.value) {
                input = std::move(moved);
                gain = there;
                step = std::min(1.5 * step, 1.0);
            } else {
                step *= 0.4;
            }
        }
        try_steps(input, gain);
    }

    [[nodiscard]] Witness take() { return std::move(best_); }

private:
    /// Lengths are taken relative to this.
    [[nodiscard]] double size_of(const Matrix& input) const {
        const double longest = longest_token(input);
        return longest > 0.0 ? longest : std::isfinite(function_.radius) ? function_.radius : 1.0;
    }

    Gain fresh_gain(const Matrix& input) {
        const Linearisation at = function_.linearise(input);
        Gain best;
        constexpr int kStarts = 2, kPowerSteps = 8;
        for (int start = 0; start < kStarts; ++start) {
            const Matrix direction = gaussian_stream(at.value.rows(), at.value.cols(), random_);
            Gain gain = power_steps(at, direction, kPowerSteps);
            best = gain.value > best.value ? std::move(gain) : best;
        }
        return best;
    }

    [[nodiscard]] Gain warm_gain(const Matrix& input, const Gain& before) const {
        constexpr int kPowerSteps = 4;
        return before.value > 0.0
                   ? power_steps(function_.linearise(input), before.direction, kPowerSteps)
                   : before;
    }

    /// The gradient of <u, J(x) d> by x: how J(x)^T u changes along d.
    [[nodiscard]] Matrix slope(const Matrix& input, const Gain& gain) const {
        if (!(gain.value > 0.0)) {
            return Matrix::Zero(input.rows(), input.cols());
        }
        const Matrix along = 1e-5 * size_of(input) * gain.perturbation;
        return function_.linearise(input + along).pull(gain.direction) -
               function_.linearise(input - along).pull(gain.direction);
    }

    /// Where nothing bounds the inputs, normalisations are steepest near zero.
    Matrix best_scale(const Matrix& start) {
        Matrix best = start;
        double value = 0.0;
        for (int k = 0; k <= 8; ++k) {
            const Matrix candidate = std::pow(10.0, -k) * start;
            const Gain gain = fresh_gain(candidate);
            if (gain.value > value) {
                value = gain.value;
                best = candidate;
            }
        }
        return best;
    }

    void try_steps(const Matrix& input, const Gain& gain) {
        if (!(gain.value > 0.0)) {
            return;
        }
        // Shorter ones would drown in the rounding of float64.
        for (const double length : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {
            const Matrix half = 0.5 * length * size_of(input) * gain.perturbation;
            Matrix first = input - half;
            Matrix second = input + half;
            clip(first, function_.radius);
            clip(second, function_.radius);
            const double moved = longest_token(function_.run(first) - function_.run(second));
            const double ratio = moved / longest_token(first - second);
            if (std::isfinite(ratio) && ratio > best_.estimate) {
                best_ = {std::move(first), std::move(second), ratio, {}};
            }
        }
    }

    const SearchedFunction& function_;
    const WitnessOptions& options_;
    std::mt19937_64& random_;
    Witness best_;
};

}  // namespace

double longest_token(const Matrix& stream) {
    return stream.size() == 0 ? 0.0 : stream.rowwise().norm().maxCoeff();
}

void clip(Matrix& stream, double radius) {
    // Far more than the rounding of a norm, far less than what a search notices.
    const double inside = radius * (1.0 - 1e-12);
    for (Index token = 0; token < stream.rows(); ++token) {
        const double norm = stream.row(token).norm();
        if (norm > inside) {
            stream.row(token) *= inside / norm;
        }
    }
}

Matrix gaussian_stream(Index tokens, Index width, std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    return Matrix::NullaryExpr(tokens, width, [&]() { return normal(random); });
}

Witness search(const SearchedFunction& function,
               const std::vector<Matrix>& starts,
               const WitnessOptions& options,
               std::mt19937_64& random) {
    Ascent ascent(function, options, random);
    for (const Matrix& start : starts) {
        ascent.from(start);
    }
    return ascent.take();
}

}  // namespace lipcert
