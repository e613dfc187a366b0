#include "spectra.hpp"

#include <cmath>
#include <random>

namespace lipcert::bench {

namespace {

using Eigen::Index;

Matrix gaussian(Index rows, Index cols, unsigned seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal;
    Matrix result(rows, cols);
    for (double& entry : result.reshaped<Eigen::RowMajor>()) {
        entry = static_cast<float>(normal(generator));
    }
    return result;
}

/// Gaussian bulk of spectral norm about 1, plus spikes of the given sizes in random directions.
Matrix with_spikes(Index rows, Index cols, const Vector& sizes, unsigned seed) {
    const double edge = std::sqrt(static_cast<double>(rows)) + std::sqrt(static_cast<double>(cols));
    const Matrix left =
        gaussian(rows, sizes.size(), seed + 1) / std::sqrt(static_cast<double>(rows));
    const Matrix right =
        gaussian(cols, sizes.size(), seed + 2) / std::sqrt(static_cast<double>(cols));
    const Matrix sum =
        gaussian(rows, cols, seed) / edge + left * sizes.asDiagonal() * right.transpose();
    return sum.cast<float>().cast<double>();
}

}  // namespace

Matrix spectrum(const std::string& name, Index rows, Index cols) {
    if (name == "gaussian") {
        return gaussian(rows, cols, 1);
    }
    if (name == "power-law") {
        return with_spikes(rows, cols, 8.0 / Vector::LinSpaced(64, 1.0, 64.0).array(), 2);
    }
    return with_spikes(rows, cols, Vector::LinSpaced(12, 1.6, 1.1), 3);
}

}  // namespace lipcert::bench
