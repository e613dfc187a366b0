// The kernels in interval arithmetic: plain loops, in the same formulas as in float64.
#include "lipcert/error.hpp"
#include "lipcert/rounding/enclosed_number.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "execution/kernels.hpp"

namespace lipcert {

namespace {

using Eigen::Index;
using Values = Stream<EnclosedNumber>;

template <class Function>
void map_entries(Values& x, const Function& function) {
    for (Index i = 0; i < x.size(); ++i) {
        x.data()[i] = function(x.data()[i]);
    }
}

/// t / (1 + exp(-slope t)).
EnclosedNumber times_logistic(const EnclosedNumber& t, const EnclosedNumber& slope) {
    const EnclosedNumber one = EnclosedNumber::exact(1.0);
    return t / (one + exp(EnclosedNumber::exact(0.0) - slope * t));
}

EnclosedNumber sqrt_two_over_pi() {
    return sqrt(EnclosedNumber::exact(2.0) / EnclosedNumber::pi());
}

EnclosedNumber activated(Activation activation, const EnclosedNumber& t) {
    const EnclosedNumber zero = EnclosedNumber::exact(0.0);
    const EnclosedNumber half = EnclosedNumber::exact(0.5);
    const EnclosedNumber one = EnclosedNumber::exact(1.0);
    const EnclosedNumber two = EnclosedNumber::exact(2.0);
    switch (activation) {
        case Activation::relu:
            return at_least(t, 0.0);
        case Activation::gelu_erf:
            return half * t * (one + erf(t * sqrt(half)));
        case Activation::gelu_tanh:
            return half * t *
                   (one + tanh(sqrt_two_over_pi() *
                               (t + EnclosedNumber::quotient(44715, 1000000) * t * t * t)));
        case Activation::silu:
            return times_logistic(t, one);
        case Activation::quick_gelu:
            return times_logistic(t, EnclosedNumber::quotient(1702, 1000));
        case Activation::mish: {
            // tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), e = exp(t)
            const EnclosedNumber e = exp(t);
            const EnclosedNumber numerator = e * (e + two);
            return t * (numerator / (numerator + two));
        }
        case Activation::tanh:
            return tanh(t);
        case Activation::hardswish:
            return t * at_most(at_least(t + EnclosedNumber::exact(3.0), 0.0), 6.0) /
                   EnclosedNumber::exact(6.0);
        case Activation::relu_squared: {
            const EnclosedNumber positive = at_least(t, 0.0);
            return positive * positive;
        }
        case Activation::identity:
            return t + zero;
    }
    throw Error(ErrorKind::internal, "", "an activation that cannot be run");
}

}  // namespace

template <>
EnclosedNumber Kernels<EnclosedNumber>::number(const Interval& parameter) {
    return EnclosedNumber::one_of(parameter);
}

template <>
Values Kernels<EnclosedNumber>::affine(const Values& x, const Weights& w, const Weights& b) {
    Values result(x.rows(), w.cols());
    for (Index token = 0; token < x.rows(); ++token) {
        for (Index output = 0; output < w.cols(); ++output) {
            EnclosedNumber sum = EnclosedNumber::exact(b.size() == 0 ? 0.0 : b(0, output));
            for (Index input = 0; input < w.rows(); ++input) {
                sum.add_product(w(input, output), x(token, input));
            }
            result(token, output) = sum;
        }
    }
    return result;
}

template <>
void Kernels<EnclosedNumber>::affine_columns(const Weights& gain,
                                             bool plus_one,
                                             const Weights& shift,
                                             Values& x) {
    for (Index token = 0; token < x.rows(); ++token) {
        for (Index i = 0; i < x.cols(); ++i) {
            EnclosedNumber sum = EnclosedNumber::exact(shift.size() == 0 ? 0.0 : shift(0, i));
            sum.add_product(gain(0, i), x(token, i));
            if (plus_one) {  // 1 + gain may be no double
                sum.add_product(1.0, x(token, i));
            }
            x(token, i) = sum;
        }
    }
}

template <>
void Kernels<EnclosedNumber>::normalise(NormKind kind, const Interval& epsilon, Values& x) {
    const EnclosedNumber width = EnclosedNumber::quotient(static_cast<long>(x.cols()), 1);
    const EnclosedNumber floor = number(epsilon);
    for (Index token = 0; token < x.rows(); ++token) {
        EnclosedNumber mean;
        if (kind == NormKind::layer) {
            for (Index i = 0; i < x.cols(); ++i) {
                mean.add_product(1.0, x(token, i));
            }
            mean = mean / width;
        }
        EnclosedNumber squares;
        for (Index i = 0; i < x.cols(); ++i) {
            x(token, i) = x(token, i) - mean;
            // A square is not negative, also where the interval holds zero.
            squares = squares + at_least(x(token, i) * x(token, i), 0.0);
        }
        // max(|x|, epsilon) = epsilon max(|x|/epsilon, 1)
        const EnclosedNumber deviation = kind == NormKind::unit
                                             ? floor * at_least(sqrt(squares) / floor, 1.0)
                                             : sqrt(squares / width + floor);
        for (Index i = 0; i < x.cols(); ++i) {
            x(token, i) = x(token, i) / deviation;
        }
    }
}

template <>
void Kernels<EnclosedNumber>::scale(const Interval& factor, Values& x) {
    const EnclosedNumber by = number(factor);
    map_entries(x, [&](const EnclosedNumber& t) { return by * t; });
}

template <>
void Kernels<EnclosedNumber>::divide(const Interval& divisor, Values& x) {
    const EnclosedNumber by = number(divisor);
    map_entries(x, [&](const EnclosedNumber& t) { return t / by; });
}

template <>
void Kernels<EnclosedNumber>::activate(Activation activation, const Interval& factor, Values& x) {
    map_entries(x, [&](const EnclosedNumber& t) { return activated(activation, t); });
    scale(factor, x);
}

template <>
void Kernels<EnclosedNumber>::rotate(const RotaryAngles& angles,
                                     Index width,
                                     Index sequence_length,
                                     Values& x) {
    const auto pairs = static_cast<long>(rotated_pairs(angles, width));
    const EnclosedNumber logarithm = log(EnclosedNumber::exact(angles.base));
    for (long pair = 0; pair < pairs; ++pair) {
        const EnclosedNumber frequency = exp(EnclosedNumber::quotient(-pair, pairs) * logarithm);
        for (Index row = 0; row < x.rows(); ++row) {
            const auto position = static_cast<long>(row % sequence_length);
            const EnclosedNumber angle = EnclosedNumber::quotient(position, 1) * frequency;
            const EnclosedNumber cosine = cos(angle);
            const EnclosedNumber sine = sin(angle);
            for (Index head = 0; head < x.cols(); head += width) {
                EnclosedNumber& first = x(row, head + pair);
                EnclosedNumber& second = x(row, head + pair + pairs);
                const EnclosedNumber turned = first * cosine - second * sine;
                second = second * cosine + first * sine;
                first = turned;
            }
        }
    }
}

template <>
Values Kernels<EnclosedNumber>::product(const Values& a, const Values& b) {
    Values result(a.rows(), b.cols());
    for (Index i = 0; i < a.rows(); ++i) {
        for (Index j = 0; j < b.cols(); ++j) {
            EnclosedNumber sum;
            for (Index k = 0; k < a.cols(); ++k) {
                sum = sum + a(i, k) * b(k, j);
            }
            result(i, j) = sum;
        }
    }
    return result;
}

template <>
Values Kernels<EnclosedNumber>::scores(const Attention& attention,
                                       const Values& query,
                                       const Values& key) {
    if (!attention.squared_distance) {
        Values result = product(query, Values(key.transpose()));
        scale(attention.score_scale, result);
        return result;
    }
    Values result(query.rows(), key.rows());
    for (Index i = 0; i < query.rows(); ++i) {
        for (Index j = 0; j < key.rows(); ++j) {
            EnclosedNumber sum;
            for (Index k = 0; k < query.cols(); ++k) {
                const EnclosedNumber apart = query(i, k) - key(j, k);
                sum = sum + at_least(apart * apart, 0.0);
            }
            result(i, j) = EnclosedNumber() - sum;
        }
    }
    scale(attention.score_scale, result);
    return result;
}

template <>
void Kernels<EnclosedNumber>::softmax(Index seen_by_first,
                                      const std::optional<double>& sink_score,
                                      Values& scores) {
    for (Index token = 0; token < scores.rows(); ++token) {
        const Index seen = std::min(seen_by_first + token, scores.cols());
        // Any shift leaves the quotient as it is; this one keeps it within the exponents.
        double largest = std::max(scores(token, 0).near(),
                                  sink_score.value_or(-std::numeric_limits<double>::infinity()));
        for (Index other = 1; other < seen; ++other) {
            largest = std::max(largest, scores(token, other).near());
        }
        const EnclosedNumber shift = EnclosedNumber::exact(largest);
        EnclosedNumber sum;
        if (sink_score) {
            sum = exp(EnclosedNumber::exact(*sink_score) - shift);
        }
        for (Index other = 0; other < seen; ++other) {
            scores(token, other) = exp(scores(token, other) - shift);
            sum.add_product(1.0, scores(token, other));
        }
        for (Index other = 0; other < scores.cols(); ++other) {
            scores(token, other) = other < seen ? scores(token, other) / sum : EnclosedNumber();
        }
    }
}

template <>
void Kernels<EnclosedNumber>::add(const Values& summand, Values& x) {
    for (Index i = 0; i < x.size(); ++i) {
        x.data()[i] = x.data()[i] + summand.data()[i];
    }
}

template <>
Values Kernels<EnclosedNumber>::attend(const HeadInputs<EnclosedNumber>& inputs,
                                       double* /*largest_score*/) {
    const Attention& attention = inputs.attention;
    const auto heads = static_cast<Index>(attention.heads);
    const auto sources = static_cast<Index>(attention.key_value_heads);
    const Index width = inputs.queries.cols() / heads;
    const Index value_width = inputs.values.cols() / sources;
    const Index length = inputs.sequence_length;
    Values averages(inputs.queries.rows(), heads * value_width);
    for (Index first = 0; first < averages.rows(); first += length) {
        for (Index head = 0; head < heads; ++head) {
            const Index source = head * sources / heads;
            Values shares = scores(attention,
                                   inputs.queries.block(first, head * width, length, width),
                                   inputs.keys.block(first, source * width, length, width));
            if (attention.score_cap) {
                soft_cap(*attention.score_cap, shares);
            }
            if (!inputs.relative_bias.empty()) {
                add(inputs.relative_bias[static_cast<std::size_t>(head)], shares);
            }
            std::optional<double> sink;
            if (!inputs.sink_scores.empty()) {
                sink = inputs.sink_scores[static_cast<std::size_t>(head)];
            }
            softmax(attention.causal ? 1 : length, sink, shares);
            averages.block(first, head * value_width, length, value_width) = product(
                shares, inputs.values.block(first, source * value_width, length, value_width));
        }
    }
    return averages;
}

template <>
void Kernels<EnclosedNumber>::multiply_entries(const Values& factor, Values& x) {
    for (Index i = 0; i < x.size(); ++i) {
        x.data()[i] = x.data()[i] * factor.data()[i];
    }
}

}  // namespace lipcert
