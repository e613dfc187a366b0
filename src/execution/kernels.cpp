#include "execution/kernels.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>

#include "norms/blas.hpp"
#include "norms/single_precision.hpp"

namespace lipcert {

namespace {

Matrix multiplied(const Matrix& a, const Matrix& b) {
    return blas::multiply(a, b);
}

FloatMatrix multiplied(const FloatMatrix& a, const FloatMatrix& b) {
    return blas::multiply_single(a, b);
}

template <class Scalar>
Scalar softplus(Scalar t) {
    return std::max(t, Scalar(0)) + std::log1p(std::exp(-std::abs(t)));
}

template <class Scalar>
void apply_activation(Activation activation, Stream<Scalar>& x) {
    constexpr auto kHalf = static_cast<Scalar>(0.5);
    constexpr auto kSqrtTwoOverPi = static_cast<Scalar>(0.79788456080286535588);
    constexpr auto kCubic = static_cast<Scalar>(0.044715);
    constexpr auto kSqrtHalf = static_cast<Scalar>(0.70710678118654752440);
    constexpr auto kQuick = static_cast<Scalar>(1.702);
    const auto one = Scalar(1);
    auto t = x.array();
    switch (activation) {
        case Activation::relu:
            t = t.max(Scalar(0));
            return;
        case Activation::gelu_erf:
            x = x.unaryExpr([=](Scalar u) { return kHalf * u * std::erfc(-kSqrtHalf * u); });
            return;
        case Activation::gelu_tanh:
            t = kHalf * t * (one + (kSqrtTwoOverPi * (t + kCubic * t.cube())).tanh());
            return;
        case Activation::silu:
            t = t / (one + (-t).exp());
            return;
        case Activation::quick_gelu:
            t = t / (one + (-kQuick * t).exp());
            return;
        case Activation::mish:
            x = x.unaryExpr([](Scalar u) { return u * std::tanh(softplus(u)); });
            return;
        case Activation::tanh:
            t = t.tanh();
            return;
        case Activation::hardswish:
            t = t * (t + Scalar(3)).max(Scalar(0)).min(Scalar(6)) / Scalar(6);
            return;
        case Activation::identity:
            return;
    }
    throw Error(ErrorKind::internal, "", "an activation that cannot be run");
}

}  // namespace

void require_known_angles(const Attention& attention) {
    if (attention.rotary != Rotary::none && !attention.rotary_angles) {
        throw Error(ErrorKind::architecture,
                    attention.query.weight,
                    "the angles of its rotary embedding are not known, so the model can be "
                    "certified but not run");
    }
}

template <class Scalar>
Scalar Kernels<Scalar>::number(const Interval& parameter) {
    return static_cast<Scalar>(middle(parameter));
}

template <class Scalar>
auto Kernels<Scalar>::affine(const Values& x, const Weights& w, const Weights& b) -> Values {
    Values result = multiplied(x, w);
    if (b.size() != 0) {
        result.rowwise() += b.row(0);
    }
    return result;
}

template <class Scalar>
void Kernels<Scalar>::affine_columns(const Weights& gain, const Weights& shift, Values& x) {
    x.array().rowwise() *= gain.row(0).array();
    if (shift.size() != 0) {
        x.rowwise() += shift.row(0);
    }
}

template <class Scalar>
void Kernels<Scalar>::normalise(NormKind kind, const Interval& epsilon, Values& x) {
    const auto width = static_cast<Scalar>(x.cols());
    const Scalar floor = number(epsilon);
    for (Eigen::Index token = 0; token < x.rows(); ++token) {
        auto row = x.row(token);
        if (kind == NormKind::layer) {
            row.array() -= row.mean();
        }
        row /= std::sqrt(row.squaredNorm() / width + floor);
    }
}

template <class Scalar>
void Kernels<Scalar>::activate(Activation activation, const Interval& factor, Values& x) {
    apply_activation(activation, x);
    scale(factor, x);
}

template <class Scalar>
void Kernels<Scalar>::rotate(const RotaryAngles& angles, Values& head) {
    const Eigen::Index pairs = head.cols() / 2;
    for (Eigen::Index pair = 0; pair < pairs; ++pair) {
        const double frequency =
            std::pow(angles.base, -static_cast<double>(pair) / static_cast<double>(pairs));
        for (Eigen::Index position = 0; position < head.rows(); ++position) {
            const double angle = static_cast<double>(position) * frequency;
            const auto cosine = static_cast<Scalar>(std::cos(angle));
            const auto sine = static_cast<Scalar>(std::sin(angle));
            Scalar& first = head(position, pair);
            Scalar& second = head(position, pair + pairs);
            const Scalar turned = first * cosine - second * sine;
            second = second * cosine + first * sine;
            first = turned;
        }
    }
}

template <class Scalar>
auto Kernels<Scalar>::scores(const Values& query, const Values& key, const Interval& tau)
    -> Values {
    Values result = multiplied(query, Values(key.transpose()));
    result *= number(tau);
    return result;
}

template <class Scalar>
void Kernels<Scalar>::softmax(bool causal,
                              const std::optional<typename Weights::Scalar>& sink_score,
                              Values& scores) {
    for (Eigen::Index token = 0; token < scores.rows(); ++token) {
        const Eigen::Index seen = causal ? token + 1 : scores.cols();
        auto row = scores.row(token).head(seen);
        const Scalar largest = std::max(row.maxCoeff(), sink_score.value_or(row.maxCoeff()));
        row.array() = (row.array() - largest).exp();
        row /= row.sum() + (sink_score ? std::exp(*sink_score - largest) : Scalar(0));
        scores.row(token).tail(scores.cols() - seen).setZero();
    }
}

template <class Scalar>
auto Kernels<Scalar>::product(const Values& a, const Values& b) -> Values {
    return multiplied(a, b);
}

template <class Scalar>
void Kernels<Scalar>::scale(const Interval& factor, Values& x) {
    x *= number(factor);
}

template <class Scalar>
void Kernels<Scalar>::divide(const Interval& divisor, Values& x) {
    x /= number(divisor);
}

template <class Scalar>
void Kernels<Scalar>::add(const Values& summand, Values& x) {
    x += summand;
}

template <class Scalar>
void Kernels<Scalar>::multiply_entries(const Values& factor, Values& x) {
    x.array() *= factor.array();
}

template struct Kernels<double>;
template struct Kernels<float>;

}  // namespace lipcert
