#include "support/plain_layers.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace lipcert::test {

namespace {

/// Entries i and i + rotated/2 of each head turn by position * base^(-2i/rotated).
Matrix turned(const PlainAttention& attention, Matrix x, Eigen::Index heads) {
    const Eigen::Index half = attention.rotated / 2;
    const Eigen::Index width = x.cols() / heads;
    const Matrix before = x;
    for (Eigen::Index position = 0; position < x.rows(); ++position) {
        for (Eigen::Index head = 0; head < heads; ++head) {
            for (Eigen::Index i = 0; i < half; ++i) {
                const double angle =
                    static_cast<double>(position) *
                    std::pow(attention.base, -static_cast<double>(i) / static_cast<double>(half));
                const Eigen::Index a = head * width + i;
                const Eigen::Index b = a + half;
                x(position, a) =
                    before(position, a) * std::cos(angle) - before(position, b) * std::sin(angle);
                x(position, b) =
                    before(position, b) * std::cos(angle) + before(position, a) * std::sin(angle);
            }
        }
    }
    return x;
}

}  // namespace

Matrix PlainLayers::times_transposed(const std::string& tensor, const Matrix& x) const {
    return x * tensors_.matrices.at(tensor).transpose();
}

Matrix PlainLayers::linear(const std::string& name, const Matrix& x) const {
    Matrix y = times_transposed(name + ".weight", x);
    const auto bias = tensors_.vectors.find(name + ".bias");
    if (bias != tensors_.vectors.end()) {
        y.rowwise() += bias->second.transpose();
    }
    return y;
}

Matrix PlainLayers::layer_norm(const std::string& name, const Matrix& x, double epsilon) const {
    Matrix y = x;
    for (Eigen::Index token = 0; token < y.rows(); ++token) {
        y.row(token).array() -= x.row(token).mean();
        const double variance = y.row(token).squaredNorm() / static_cast<double>(y.cols());
        y.row(token) /= std::sqrt(variance + epsilon);
    }
    y.array().rowwise() *= tensors_.vectors.at(name + ".weight").transpose().array();
    y.rowwise() += tensors_.vectors.at(name + ".bias").transpose();
    return y;
}

Matrix PlainLayers::rms_norm(const std::string& name,
                             const Matrix& x,
                             double epsilon,
                             double plus) const {
    const Vector gain = tensors_.vectors.at(name + ".weight").array() + plus;
    Matrix y = x;
    for (Eigen::Index begin = 0; begin < y.cols(); begin += gain.size()) {
        for (Eigen::Index token = 0; token < y.rows(); ++token) {
            auto run = y.row(token).segment(begin, gain.size());
            run /= std::sqrt(run.squaredNorm() / static_cast<double>(gain.size()) + epsilon);
            run.array() *= gain.transpose().array();
        }
    }
    return y;
}

Eigen::Index plain_row(Eigen::Index distance,
                       Eigen::Index rows,
                       Eigen::Index farthest,
                       bool causal) {
    Eigen::Index first = 0;
    if (!causal) {
        rows /= 2;
        first = distance > 0 ? rows : 0;
    } else if (distance > 0) {
        distance = 0;
    }
    const Eigen::Index near = rows / 2;
    const Eigen::Index away = std::abs(distance);
    // The further rows begin at distances of equal ratios between `near` and `farthest`.
    Eigen::Index row = std::min(away, near);
    while (away >= near && row + 1 < rows) {
        const double share = static_cast<double>(row + 1 - near) / static_cast<double>(rows - near);
        const double begin =
            static_cast<double>(near) *
            std::pow(static_cast<double>(farthest) / static_cast<double>(near), share);
        if (static_cast<double>(away) < begin) {
            break;
        }
        ++row;
    }
    return first + row;
}

Matrix attend(const PlainAttention& attention,
              const Matrix& queries,
              const Matrix& keys,
              const Matrix& values) {
    const Eigen::Index width = queries.cols() / attention.heads;
    const Eigen::Index group = attention.heads / attention.key_value_heads;
    const Matrix q = turned(attention, queries, attention.heads);
    const Matrix k = turned(attention, keys, attention.key_value_heads);
    Matrix result(queries.rows(), attention.heads * width);
    for (Eigen::Index head = 0; head < attention.heads; ++head) {
        const Eigen::Index source = head / group * width;
        Matrix scores = attention.scale * q.middleCols(head * width, width) *
                        k.middleCols(source, width).transpose();
        if (attention.cap > 0.0) {
            scores = attention.cap * (scores / attention.cap).array().tanh();
        }
        if (!attention.constants.empty()) {
            scores += attention.constants[static_cast<std::size_t>(head)];
        }
        for (Eigen::Index token = 0; token < scores.rows(); ++token) {
            if (attention.causal) {
                scores.row(token)
                    .tail(scores.cols() - token - 1)
                    .setConstant(-std::numeric_limits<double>::infinity());
            }
            scores.row(token).array() -= scores.row(token).maxCoeff();
            scores.row(token) = scores.row(token).array().exp();
            scores.row(token) /= scores.row(token).sum();
        }
        result.middleCols(head * width, width) = scores * values.middleCols(source, width);
    }
    return result;
}

Matrix gelu(const Matrix& x) {
    return x.unaryExpr([](double t) { return 0.5 * t * (1.0 + std::erf(t / std::sqrt(2.0))); });
}

Matrix gelu_tanh(const Matrix& x) {
    return x.unaryExpr([](double t) {
        return 0.5 * t * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (t + 0.044715 * t * t * t)));
    });
}

Matrix silu(const Matrix& x) {
    return x.unaryExpr([](double t) { return t / (1.0 + std::exp(-t)); });
}

Matrix relu(const Matrix& x) {
    return x.cwiseMax(0.0);
}

}  // namespace lipcert::test
