#include "support/witness.hpp"

#include <algorithm>
#include <cmath>

#include "support/witness_inputs.hpp"

namespace lipcert::test {

namespace {

using Eigen::Index;
using LongStream = Stream<long double>;

long double token_norm(const LongStream& stream, Index token) {
    long double sum = 0.0L;
    for (Index i = 0; i < stream.cols(); ++i) {
        sum += stream(token, i) * stream(token, i);
    }
    return std::sqrt(sum);
}

}  // namespace

long double largest_token(const LongStream& stream) {
    long double largest = 0.0L;
    for (Index token = 0; token < stream.rows(); ++token) {
        largest = std::max(largest, token_norm(stream, token));
    }
    return largest;
}

namespace {

long double frobenius(const LongStream& stream) {
    long double sum = 0.0L;
    for (Index token = 0; token < stream.rows(); ++token) {
        sum += std::pow(token_norm(stream, token), 2.0L);
    }
    return std::sqrt(sum);
}

long double size_of(const LongStream& difference, OutputNorm norm) {
    switch (norm) {
        case OutputNorm::max_token:
            return largest_token(difference);
        case OutputNorm::frobenius:
            return frobenius(difference);
        case OutputNorm::entry:
            return difference.cwiseAbs().maxCoeff();
        case OutputNorm::entry_difference:
            return (difference.rowwise().maxCoeff() - difference.rowwise().minCoeff()).maxCoeff();
    }
    return 0.0L;
}

void keep_better(Witness& best,
                 const StreamFunction& function,
                 const SearchOptions& options,
                 const Matrix& first,
                 const Matrix& second) {
    const double ratio = difference_quotient(function, first, second, options);
    if (ratio > best.ratio) {
        best = {ratio, first, second};
    }
}

/// Of length 1; 0 where there is no direction. norm() would underflow with the squares.
template <class Derived>
typename Derived::PlainObject unit(const Eigen::MatrixBase<Derived>& vector) {
    const double length = vector.stableNorm();
    return vector * (length > 1e-290 ? 1.0 / length : 0.0);
}

/// The unit vector of the output's dual norm that sees most of `output`.
Vector best_direction(const Vector& output, const SearchOptions& options) {
    const Index width = output.size() / options.tokens;
    const Matrix blocks = output.reshaped<Eigen::RowMajor>(options.tokens, width);
    Matrix direction = Matrix::Zero(options.tokens, width);
    Index token = 0;
    Index entry = 0;
    switch (options.output) {
        case OutputNorm::frobenius:
            direction = unit(output).reshaped<Eigen::RowMajor>(options.tokens, width);
            break;
        case OutputNorm::max_token:
            blocks.rowwise().norm().maxCoeff(&token);
            direction.row(token) = unit(blocks.row(token));
            break;
        case OutputNorm::entry:
            blocks.cwiseAbs().maxCoeff(&token, &entry);
            direction(token, entry) = blocks(token, entry) < 0.0 ? -1.0 : 1.0;
            break;
        case OutputNorm::entry_difference: {
            (blocks.rowwise().maxCoeff() - blocks.rowwise().minCoeff()).maxCoeff(&token);
            blocks.row(token).maxCoeff(&entry);
            direction(token, entry) += 1.0;
            blocks.row(token).minCoeff(&entry);
            direction(token, entry) -= 1.0;
            break;
        }
    }
    return direction.reshaped<Eigen::RowMajor>();
}

/// The perturbation of norm 1 that a linear functional sees most of.
Vector best_perturbation(const Vector& functional, const SearchOptions& options) {
    if (options.input == InputNorm::frobenius) {
        return unit(functional);
    }
    Matrix blocks = functional.reshaped<Eigen::RowMajor>(options.tokens, options.dimension);
    for (Index token = 0; token < options.tokens; ++token) {
        blocks.row(token) = unit(blocks.row(token));
    }
    return blocks.reshaped<Eigen::RowMajor>();
}

/// u and delta in turn, each the best for the other: the gain never falls.
Gain alternate(const Matrix& derivative, Vector direction, const SearchOptions& options) {
    constexpr int kTurns = 8;
    Gain gain;
    for (int turn = 0; turn < kTurns; ++turn) {
        gain.perturbation = best_perturbation(derivative.transpose() * direction, options);
        const Vector output = derivative * gain.perturbation;
        direction = best_direction(output, options);
        gain.value = direction.dot(output);
        gain.direction = direction;
    }
    return gain;
}

/// d/dx of u^T J(x) delta, by a central difference of the exact J^T u along delta: the Hessian of
/// u^T f is symmetric.
Vector gain_gradient(const StreamFunction& function,
                     const Matrix& input,
                     const Gain& gain,
                     double step) {
    const Matrix shift =
        step * gain.perturbation.reshaped<Eigen::RowMajor>(input.rows(), input.cols());
    const Matrix ahead = jacobian(function, input + shift);
    const Matrix behind = jacobian(function, input - shift);
    return (ahead - behind).transpose() * gain.direction / (2.0 * step);
}

/// Climbs on the norm of the Jacobian from `input`; returns the last point and its gain.
std::pair<Matrix, Gain> ascend(const StreamFunction& function,
                               Matrix input,
                               const SearchOptions& options,
                               Random& random) {
    Gain gain = largest_gain(jacobian(function, input), options, random);
    double stride = 0.5;
    for (std::size_t step = 0; step < options.steps && stride > 1e-3; ++step) {
        const double scale = std::max(input.rowwise().norm().maxCoeff(), 1e-7);
        const Vector gradient = gain_gradient(function, input, gain, 1e-5 * scale);
        if (!gradient.allFinite() || gradient.norm() == 0.0) {
            break;
        }
        const Vector move = step % 3 == 2 ? best_perturbation(gradient, options)
                                          : Vector(gradient / gradient.cwiseAbs().maxCoeff());
        Matrix next =
            input + stride * scale * move.reshaped<Eigen::RowMajor>(input.rows(), input.cols());
        clip(next, options.radius);
        const Gain reached = largest_gain(jacobian(function, next), options, random);
        if (reached.value > gain.value) {
            input = next;
            gain = reached;
            stride *= 1.5;
        } else {
            stride *= 0.4;
        }
    }
    return {input, gain};
}

/// Pairs around `input` along the perturbation, from coarse to fine, inside the ball.
void try_steps(Witness& best,
               const StreamFunction& function,
               const SearchOptions& options,
               const Matrix& input,
               const Vector& perturbation) {
    const Matrix delta = perturbation.reshaped<Eigen::RowMajor>(input.rows(), input.cols());
    const double scale = std::max(input.rowwise().norm().maxCoeff(), 1e-7);
    for (const double step : {1e-1, 1e-2, 1e-4, 1e-6}) {
        const Matrix middle = std::isfinite(options.radius) ? Matrix((1.0 - step) * input) : input;
        Matrix first = middle + 0.5 * step * scale * delta;
        Matrix second = middle - 0.5 * step * scale * delta;
        clip(first, options.radius);
        clip(second, options.radius);
        keep_better(best, function, options, first, second);
    }
}

}  // namespace

long double certain_difference(const Evaluation& x, const Evaluation& y, OutputNorm norm) {
    // Doubles carry 11 bits less than the extended format, so what double gets wrong is about 2048
    // times what the extended result gets wrong; a quarter of that ratio is kept in reserve.
    constexpr long double kErrorShare = 1.0L / 512.0L;
    // What double happens to round well is still rounded in the extended format, at the size of
    // what it was computed from.
    constexpr long double kOutputError = 0x1p-62L;
    const LongStream error_x = x.rounded.cast<long double>() - x.precise;
    const LongStream error_y = y.rounded.cast<long double>() - y.precise;
    const long double error = kErrorShare * (size_of(error_x, norm) + size_of(error_y, norm)) +
                              kOutputError * (size_of(x.precise, norm) + size_of(y.precise, norm) +
                                              x.largest + y.largest);
    const long double change = size_of(x.precise - y.precise, norm) - error;
    return change > 0.0L && std::isfinite(change) ? change : 0.0L;
}

long double distance(const Matrix& x, const Matrix& y, InputNorm norm) {
    const LongStream moved = x.cast<long double>() - y.cast<long double>();
    return norm == InputNorm::frobenius ? frobenius(moved) : largest_token(moved);
}

double difference_quotient(const StreamFunction& function,
                           const Matrix& first,
                           const Matrix& second,
                           const SearchOptions& options) {
    const auto evaluate = [&](const Matrix& input) {
        const LongStream precise = input.cast<long double>();
        return Evaluation{
            function.precise(precise), function.rounded(input), largest_token(precise)};
    };
    const long double moved = distance(first, second, options.input);
    if (moved <= 0.0L) {
        return 0.0;
    }
    return static_cast<double>(
        certain_difference(evaluate(first), evaluate(second), options.output) / moved);
}

Matrix jacobian(const StreamFunction& function, const Matrix& input) {
    Matrix result;
    for (Index begin = 0; begin < input.size(); begin += Dual::kDirections) {
        const Index count = std::min<Index>(Dual::kDirections, input.size() - begin);
        Stream<Dual> seeded = input.cast<Dual>();
        for (Index i = 0; i < count; ++i) {
            seeded.data()[begin + i].derivatives(i) = 1.0;
        }
        const Stream<Dual> output = function.differentiated(seeded);
        if (begin == 0) {
            result.resize(output.size(), input.size());
        }
        for (Index row = 0; row < output.size(); ++row) {
            for (Index i = 0; i < count; ++i) {
                result(row, begin + i) = output.data()[row].derivatives(i);
            }
        }
    }
    return result;
}

Gain largest_gain(const Matrix& jacobian, const SearchOptions& options, Random& random) {
    Gain best{0.0, Vector::Zero(jacobian.cols()), Vector::Zero(jacobian.rows())};
    if (!jacobian.allFinite()) {
        return best;
    }
    const auto try_from = [&](const Vector& direction) {
        const Gain gain = alternate(jacobian, best_direction(direction, options), options);
        best = gain.value > best.value ? gain : best;
    };
    constexpr int kRandomStarts = 3;
    for (int start = 0; start < kRandomStarts; ++start) {
        try_from(random.gaussian_vector(jacobian.rows()));
    }
    const bool by_entry =
        options.output == OutputNorm::entry || options.output == OutputNorm::entry_difference;
    const Index width = by_entry ? 1 : jacobian.rows() / options.tokens;
    for (Index begin = 0; begin < jacobian.rows(); begin += width) {  // each token or entry alone
        Vector direction = Vector::Zero(jacobian.rows());
        direction.segment(begin, width) = random.gaussian_vector(width);
        try_from(direction);
    }
    return best;
}

Witness best_ratio(const StreamFunction& function, const SearchOptions& options, Random& random) {
    Witness best{0.0,
                 Matrix::Zero(options.tokens, options.dimension),
                 Matrix::Zero(options.tokens, options.dimension)};
    for (std::size_t pair = 0; pair < options.pairs; ++pair) {
        const Matrix first = random_stream(options, random);
        keep_better(best, function, options, first, random_partner(first, options, random));
    }
    for (std::size_t restart = 0; restart < options.restarts; ++restart) {
        const Matrix start = restart == 0 ? best.first : random_stream(options, random);
        const auto [input, gain] = ascend(function, start, options, random);
        try_steps(best, function, options, input, gain.perturbation);
    }
    return best;
}

Reach reach(const StreamFunction& function, const SearchOptions& options, Random& random) {
    Reach best;
    best.input = Matrix::Zero(options.tokens, options.dimension);
    SearchOptions measure = options;
    for (std::size_t restart = 0; restart < options.restarts + options.pairs; ++restart) {
        Matrix input = random_stream(options, random);
        const std::size_t steps = restart < options.restarts ? options.steps : 0;
        measure.output = restart % 2 == 0 ? OutputNorm::max_token : OutputNorm::entry;
        for (std::size_t step = 0; step <= steps; ++step) {
            const Matrix output = function.rounded(input);
            const double longest = output.rowwise().norm().maxCoeff();
            if (longest >= best.largest_token) {
                best.largest_token = longest;
                best.input = input;
            }
            best.largest_entry = std::max(best.largest_entry, output.cwiseAbs().maxCoeff());
            if (step == steps) {
                break;
            }
            // The best point of the ball for the linearised function.
            const Vector direction = best_direction(output.reshaped<Eigen::RowMajor>(), measure);
            const Vector functional = jacobian(function, input).transpose() * direction;
            input = options.radius * best_perturbation(functional, options)
                                         .reshaped<Eigen::RowMajor>(input.rows(), input.cols());
            clip(input, options.radius);
        }
    }
    return best;
}

}  // namespace lipcert::test
