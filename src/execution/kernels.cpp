#include "execution/kernels.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unsupported/Eigen/SpecialFunctions>

#include "norms/measured_product.hpp"
#include "norms/parallel.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// Queries of one head that are held against their keys at a time: their scores stay in a cache,
/// and what a causal mask hides is hardly computed.
constexpr Index kQueriesAtOnce = 128;

/// Of consecutive rows, which are one array of numbers.
template <class Scalar>
using Entries = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;

template <class Scalar>
void for_each_part(Stream<Scalar>& x, const std::function<void(Entries<Scalar>)>& work) {
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        work(Entries<Scalar>(x.data() + begin * x.cols(), (end - begin) * x.cols()));
    });
}

/// erf in float32 to a few units in the last place of 1; entry by entry it costs more than a layer.
void apply_gelu_erf(Entries<float> t) {
    constexpr float kSqrtHalf = 0.707106781F;
    t = 0.5F * t * (1.0F + (kSqrtHalf * t).erf());
}

void apply_gelu_erf(Entries<double> t) {
    constexpr double kSqrtHalf = 0.70710678118654752440;
    t = t.unaryExpr([](double u) { return 0.5 * u * std::erfc(-kSqrtHalf * u); });
}

template <class Scalar>
void apply_activation(Activation activation, Entries<Scalar> t) {
    constexpr auto kHalf = static_cast<Scalar>(0.5);
    constexpr auto kSqrtTwoOverPi = static_cast<Scalar>(0.79788456080286535588);
    constexpr auto kCubic = static_cast<Scalar>(0.044715);
    constexpr auto kQuick = static_cast<Scalar>(1.702);
    constexpr auto kSaturated = Scalar(40);  // mish is t from here on
    const auto one = Scalar(1);
    switch (activation) {
        case Activation::relu:
            t = t.max(Scalar(0));
            return;
        case Activation::gelu_erf:
            apply_gelu_erf(t);
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
        case Activation::mish: {
            // tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), e = exp(t)
            const Eigen::Array<Scalar, Eigen::Dynamic, 1> e = t.min(kSaturated).exp();
            t = t * (e * (e + Scalar(2)) / (e * (e + Scalar(2)) + Scalar(2)));
            return;
        }
        case Activation::tanh:
            t = t.tanh();
            return;
        case Activation::hardswish:
            t = t * (t + Scalar(3)).max(Scalar(0)).min(Scalar(6)) / Scalar(6);
            return;
        case Activation::relu_squared:
            t = t.max(Scalar(0)).square();
            return;
        case Activation::identity:
            return;
    }
    throw Error(ErrorKind::internal, "", "an activation that cannot be run");
}

/// cos and sin of the angles: one row per position, one column per pair.
template <class Scalar>
struct Turns {
    Stream<Scalar> cosine, sine;

    Turns(const RotaryAngles& angles, Index positions, Index pairs)
        : cosine(positions, pairs), sine(positions, pairs) {
        for (Index pair = 0; pair < pairs; ++pair) {
            const double frequency =
                std::pow(angles.base, -static_cast<double>(pair) / static_cast<double>(pairs));
            for (Index position = 0; position < positions; ++position) {
                const double angle = static_cast<double>(position) * frequency;
                cosine(position, pair) = static_cast<Scalar>(std::cos(angle));
                sine(position, pair) = static_cast<Scalar>(std::sin(angle));
            }
        }
    }
};

/// Some queries of one head of one sequence.
struct Piece {
    Index sequence = 0, head = 0, first_query = 0;  ///< the last within the sequence
    Index queries = 0;
    Index keys = 0;  ///< of the sequence, that one of the queries sees
};

class Pieces {
public:
    Pieces(const Attention& attention, Index rows, Index length)
        : attention_(attention),
          length_(length),
          blocks_((length + kQueriesAtOnce - 1) / std::max<Index>(kQueriesAtOnce, 1)),
          count_(length == 0 ? 0 : rows / length * static_cast<Index>(attention.heads) * blocks_) {}

    [[nodiscard]] Index count() const { return count_; }

    [[nodiscard]] Piece at(Index number) const {
        const auto heads = static_cast<Index>(attention_.heads);
        Piece piece;
        piece.first_query = number % blocks_ * kQueriesAtOnce;
        piece.head = number / blocks_ % heads;
        piece.sequence = number / blocks_ / heads;
        piece.queries = std::min(kQueriesAtOnce, length_ - piece.first_query);
        piece.keys = attention_.causal ? piece.first_query + piece.queries : length_;
        return piece;
    }

private:
    const Attention& attention_;
    Index length_, blocks_, count_;
};

/// Scores of `query`'s rows against `key`'s: -tau |q - k|^2 is 2 tau q.k - tau |q|^2 - tau |k|^2.
template <class Scalar>
void score_into(const Attention& attention,
                const blas::Part<Scalar>& query,
                const blas::Part<Scalar>& key,
                Stream<Scalar>& scores) {
    const Scalar tau = Kernels<Scalar>::number(attention.score_scale);
    const Scalar factor = attention.squared_distance ? Scalar(2) * tau : tau;
    blas::multiply_into<Scalar>(factor, query, true, key, scores);
    if (attention.squared_distance) {
        scores.colwise() -= tau * query.rowwise().squaredNorm();
        scores.rowwise() -= tau * key.rowwise().squaredNorm().transpose();
    }
}

/// The largest |score| that a query sees; the last query of a causal piece sees all of its keys.
template <class Scalar>
double largest_seen(bool causal, const Stream<Scalar>& scores) {
    Scalar largest = 0;
    for (Index query = 0; query < scores.rows(); ++query) {
        const Index hidden = causal ? scores.rows() - 1 - query : 0;
        largest =
            std::max(largest, scores.row(query).head(scores.cols() - hidden).cwiseAbs().maxCoeff());
    }
    return static_cast<double>(largest);
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

Index rotated_pairs(const RotaryAngles& angles, Index head_width) {
    return (angles.rotated ? static_cast<Index>(*angles.rotated) : head_width) / 2;
}

template <class Scalar>
Scalar Kernels<Scalar>::number(const Interval& parameter) {
    return static_cast<Scalar>(middle(parameter));
}

template <class Scalar>
auto Kernels<Scalar>::affine(const Values& x, const Weights& w, const Weights& b) -> Values {
    return blas::multiply_and_add<Scalar>(x, w, b);
}

template <class Scalar>
void Kernels<Scalar>::affine_columns(const Weights& gain,
                                     bool plus_one,
                                     const Weights& shift,
                                     Values& x) {
    const Weights factor = plus_one ? Weights(gain.array() + Scalar(1)) : gain;
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        auto rows = x.middleRows(begin, end - begin);
        rows.array().rowwise() *= factor.row(0).array();
        if (shift.size() != 0) {
            rows.rowwise() += shift.row(0);
        }
    });
}

template <class Scalar>
void Kernels<Scalar>::normalise(NormKind kind, const Interval& epsilon, Values& x) {
    const auto width = static_cast<Scalar>(x.cols());
    const Scalar floor = number(epsilon);
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        for (Index token = begin; token < end; ++token) {
            auto row = x.row(token);
            if (kind == NormKind::unit) {
                row /= std::max(row.stableNorm(), floor);
                continue;
            }
            if (kind == NormKind::layer) {
                row.array() -= row.mean();
            }
            row /= std::sqrt(row.squaredNorm() / width + floor);
        }
    });
}

template <class Scalar>
void Kernels<Scalar>::activate(Activation activation, const Interval& factor, Values& x) {
    for_each_part<Scalar>(x, [&](Entries<Scalar> t) {
        apply_activation<Scalar>(activation, t);
        if (const Scalar by = number(factor); by != Scalar(1)) {
            t *= by;
        }
    });
}

template <class Scalar>
void Kernels<Scalar>::rotate(const RotaryAngles& angles,
                             Index width,
                             Index sequence_length,
                             Values& x) {
    const Index pairs = rotated_pairs(angles, width);
    const Turns<Scalar> turns(angles, std::min(sequence_length, x.rows()), pairs);
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        for (Index row = begin; row < end; ++row) {
            const auto cosine = turns.cosine.row(row % sequence_length);
            const auto sine = turns.sine.row(row % sequence_length);
            for (Index first = 0; first < x.cols(); first += width) {
                auto front = x.row(row).segment(first, pairs);
                auto back = x.row(row).segment(first + pairs, pairs);
                for (Index pair = 0; pair < pairs; ++pair) {
                    const Scalar turned = front(pair) * cosine(pair) - back(pair) * sine(pair);
                    back(pair) = back(pair) * cosine(pair) + front(pair) * sine(pair);
                    front(pair) = turned;
                }
            }
        }
    });
}

template <class Scalar>
auto Kernels<Scalar>::scores(const Attention& attention, const Values& query, const Values& key)
    -> Values {
    Values result(query.rows(), key.rows());
    score_into<Scalar>(attention, query, key, result);
    return result;
}

template <class Scalar>
void Kernels<Scalar>::softmax(Index seen_by_first,
                              const std::optional<typename Weights::Scalar>& sink_score,
                              Values& scores) {
    for (Index token = 0; token < scores.rows(); ++token) {
        const Index seen = std::min(seen_by_first + token, scores.cols());
        auto row = scores.row(token).head(seen);
        Scalar largest = row.maxCoeff();
        if (sink_score) {
            largest = std::max(largest, *sink_score);
        }
        row.array() = (row.array() - largest).exp();
        row *= Scalar(1) / (row.sum() + (sink_score ? std::exp(*sink_score - largest) : Scalar(0)));
        scores.row(token).tail(scores.cols() - seen).setZero();
    }
}

template <class Scalar>
auto Kernels<Scalar>::attend(const HeadInputs<Scalar>& inputs, double* largest_score) -> Values {
    const Attention& attention = inputs.attention;
    const auto heads = static_cast<Index>(attention.heads);
    const auto sources = static_cast<Index>(attention.key_value_heads);
    const Index width = inputs.queries.cols() / heads;
    const Index value_width = inputs.values.cols() / sources;
    const Index rows = inputs.queries.rows();
    const Pieces pieces(attention, rows, inputs.sequence_length);
    Values averages(rows, heads * value_width);
    std::vector<double> largest(static_cast<std::size_t>(pieces.count()), 0.0);
    const double operations = operations_of_pass(rows * heads, inputs.sequence_length);
    for_each_piece(pieces.count(), operations, [&](Index number_of_piece) {
        const Piece piece = pieces.at(number_of_piece);
        const Index source = piece.head * sources / heads;
        const Index first = piece.sequence * inputs.sequence_length;
        const Index query = first + piece.first_query;
        Values shares(piece.queries, piece.keys);
        score_into<Scalar>(attention,
                           inputs.queries.block(query, piece.head * width, piece.queries, width),
                           inputs.keys.block(first, source * width, piece.keys, width),
                           shares);
        if (attention.score_cap) {
            soft_cap(*attention.score_cap, shares);
        }
        if (largest_score != nullptr) {
            largest[static_cast<std::size_t>(number_of_piece)] =
                largest_seen<Scalar>(attention.causal, shares);
        }
        if (!inputs.relative_bias.empty()) {
            shares += inputs.relative_bias[static_cast<std::size_t>(piece.head)].block(
                piece.first_query, 0, piece.queries, piece.keys);
        }
        std::optional<Scalar> sink;
        if (!inputs.sink_scores.empty()) {
            sink = inputs.sink_scores[static_cast<std::size_t>(piece.head)];
        }
        softmax(attention.causal ? piece.first_query + 1 : piece.keys, sink, shares);
        blas::multiply_into<Scalar>(
            Scalar(1),
            shares,
            false,
            inputs.values.block(first, source * value_width, piece.keys, value_width),
            averages.block(query, piece.head * value_width, piece.queries, value_width));
    });
    if (largest_score != nullptr) {
        for (const double seen : largest) {
            *largest_score = std::max(*largest_score, seen);
        }
    }
    return averages;
}

template <class Scalar>
auto Kernels<Scalar>::product(const Values& a, const Values& b) -> Values {
    Values result(a.rows(), b.cols());
    blas::multiply_into<Scalar>(Scalar(1), a, false, b, result);
    return result;
}

template <class Scalar>
void Kernels<Scalar>::scale(const Interval& factor, Values& x) {
    if (const Scalar by = number(factor); by != Scalar(1)) {
        x *= by;
    }
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
