#include "execution/attend.hpp"

#include <algorithm>
#include <cmath>

#include "norms/blas.hpp"

namespace lipcert {

void rotate(Matrix& head, const RotaryAngles& angles) {
    const Eigen::Index pairs = head.cols() / 2;
    for (Eigen::Index pair = 0; pair < pairs; ++pair) {
        const double frequency =
            std::pow(angles.base, -static_cast<double>(pair) / static_cast<double>(pairs));
        for (Eigen::Index position = 0; position < head.rows(); ++position) {
            const double angle = static_cast<double>(position) * frequency;
            double& first = head(position, pair);
            double& second = head(position, pair + pairs);
            const double turned = first * std::cos(angle) - second * std::sin(angle);
            second = second * std::cos(angle) + first * std::sin(angle);
            first = turned;
        }
    }
}

Matrix softmax_average(const Matrix& query,
                       const Matrix& key,
                       const Matrix& values,
                       const HeadScores& scores) {
    Matrix shares = blas::multiply(query, key.transpose());
    for (Eigen::Index token = 0; token < shares.rows(); ++token) {
        const Eigen::Index seen = scores.causal ? token + 1 : shares.cols();
        auto row = shares.row(token).head(seen);
        row *= scores.scale;
        if (scores.cap) {
            row = row.unaryExpr(
                [cap = *scores.cap](double score) { return cap * std::tanh(score / cap); });
        }
        const double sink = scores.sink_score.value_or(row.maxCoeff());
        const double largest = std::max(row.maxCoeff(), sink);
        row = (row.array() - largest).exp().matrix().eval();
        row /= row.sum() + (scores.sink_score ? std::exp(sink - largest) : 0.0);
        shares.row(token).tail(shares.cols() - seen).setZero();
    }
    return blas::multiply(shares, values);
}

}  // namespace lipcert
