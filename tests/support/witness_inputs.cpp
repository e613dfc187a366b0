#include "support/witness_inputs.hpp"

#include <algorithm>
#include <cmath>

namespace lipcert::test {

namespace {

using Eigen::Index;

double scale_of(const SearchOptions& options, Random& random) {
    return std::isfinite(options.radius) ? options.radius
                                         : std::pow(10.0, random.uniform(-7.0, 3.0));
}

Matrix unit_tokens(Index tokens, Index dimension, Random& random) {
    Matrix result = random.gaussian(tokens, dimension);
    for (Index token = 0; token < tokens; ++token) {
        result.row(token) /= std::max(result.row(token).norm(), 1e-300);
    }
    return result;
}

/// A perturbation with tokens of length at most 1.
Matrix random_perturbation(const Matrix& stream, Random& random) {
    Matrix result = unit_tokens(stream.rows(), stream.cols(), random);
    const auto chosen =
        static_cast<Index>(random.integer(0, static_cast<std::size_t>(stream.rows()) - 1));
    switch (random.integer(0, 4)) {
        case 0:  // the same for every token
            result.rowwise() = Eigen::RowVectorXd(result.row(0));
            break;
        case 1: {  // one token alone
            const Eigen::RowVectorXd kept = result.row(chosen);
            result.setZero();
            result.row(chosen) = kept;
            break;
        }
        case 2:  // along the tokens themselves
            result = stream / std::max(stream.rowwise().norm().maxCoeff(), 1e-300);
            break;
        case 3: {  // one direction, both signs
            for (Index token = 1; token < result.rows(); ++token) {
                result.row(token) = (token % 2 == 0 ? 1.0 : -1.0) * result.row(0);
            }
            break;
        }
        default:
            break;
    }
    return result;
}

}  // namespace

void clip(Matrix& stream, double radius) {
    for (Index token = 0; token < stream.rows(); ++token) {
        const double length = stream.row(token).norm();
        if (length > radius) {  // 1e-14: inside whatever the rounding
            stream.row(token) *= radius * (1.0 - 1e-14) / length;
        }
    }
}

Matrix random_stream(const SearchOptions& options, Random& random) {
    const double scale = scale_of(options, random);
    Matrix stream = unit_tokens(options.tokens, options.dimension, random);
    const auto last = static_cast<std::size_t>(options.tokens) - 1;
    const auto chosen = static_cast<Index>(random.integer(0, last));
    switch (random.integer(0, 8)) {
        case 0:  // inside the ball
            for (Index token = 0; token < stream.rows(); ++token) {
                stream.row(token) *= random.uniform(0.0, 1.0);
            }
            break;
        case 1:  // two opposite points
            for (Index token = 1; token < stream.rows(); ++token) {
                stream.row(token) = (random.integer(0, 1) == 0 ? 1.0 : -1.0) * stream.row(0);
            }
            break;
        case 2:  // all equal
            stream.rowwise() = Eigen::RowVectorXd(stream.row(0));
            break;
        case 3: {  // all equal but one
            const Eigen::RowVectorXd odd = stream.row(chosen);
            stream.rowwise() = Eigen::RowVectorXd(stream.row(0));
            stream.row(chosen) = -odd;
            break;
        }
        case 4: {  // along axes
            stream.setZero();
            const auto dimensions = static_cast<std::size_t>(options.dimension);
            for (Index token = 0; token < stream.rows(); ++token) {
                stream(token, static_cast<Index>(random.integer(0, dimensions - 1))) =
                    random.integer(0, 1) == 0 ? 1.0 : -1.0;
            }
            break;
        }
        case 5:  // widely different lengths
            for (Index token = 0; token < stream.rows(); ++token) {
                stream.row(token) *= std::pow(10.0, random.uniform(-6.0, 0.0));
            }
            break;
        case 6:  // at or near the origin
            stream *= random.integer(0, 1) == 0 ? 0.0 : 1e-6;
            break;
        default:  // on the surface
            break;
    }
    stream *= scale;
    clip(stream, options.radius);
    return stream;
}

Matrix random_partner(const Matrix& first, const SearchOptions& options, Random& random) {
    const double scale = std::max(first.rowwise().norm().maxCoeff(), 1e-7);
    Matrix second = first;
    switch (random.integer(0, 6)) {
        case 0:
            second = random_stream(options, random);
            break;
        case 1:
            second = -first;
            break;
        case 2:
            second = first.colwise().reverse().eval();
            break;
        case 3:
            second += scale * random_perturbation(first, random);
            break;
        default: {
            const double step = std::pow(10.0, random.uniform(-6.0, -1.0));
            second += step * scale * random_perturbation(first, random);
            break;
        }
    }
    clip(second, options.radius);
    return second;
}

}  // namespace lipcert::test
