#include "support/forward.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "support/activate.hpp"
#include "support/plain_layers.hpp"
#include "support/tensor_names.hpp"

namespace lipcert::test {

namespace {

using Eigen::Index;

Index index_of(std::size_t number) {
    return static_cast<Index>(number);
}

template <class Scalar>
void require_width(const Stream<Scalar>& stream, Index width, const std::string& where) {
    if (stream.cols() != width) {
        throw std::invalid_argument(where + ": takes tokens of width " + std::to_string(width) +
                                    ", was given " + std::to_string(stream.cols()));
    }
}

/// exp(s_j) / sum exp(s_l); subtracting the largest score changes neither value nor derivative.
template <class Scalar>
void softmax(std::vector<Scalar>& scores) {
    auto largest = primal(scores.front());
    for (const Scalar& score : scores) {
        largest = std::max(largest, primal(score));
    }
    using std::exp;
    auto sum = Scalar(0.0);
    for (Scalar& score : scores) {
        score = exp(score - Scalar(largest));
        sum += score;
    }
    for (Scalar& score : scores) {
        score = score / sum;
    }
}

/// c tanh(x / c).
template <class Scalar>
Stream<Scalar> soft_cap(double cap, Stream<Scalar> stream) {
    using std::tanh;
    for (Index i = 0; i < stream.size(); ++i) {
        Scalar& entry = stream.data()[i];
        entry = times(cap, tanh(entry / Scalar(cap)));
    }
    return stream;
}

template <class Scalar>
void scale_by(Stream<Scalar>& stream, double factor) {
    for (Index i = 0; i < stream.size(); ++i) {
        stream.data()[i] = times(factor, stream.data()[i]);
    }
}

template <class Scalar>
void add_to(Stream<Scalar>& sum, const Stream<Scalar>& summand) {
    if (sum.rows() != summand.rows() || sum.cols() != summand.cols()) {
        throw std::invalid_argument("branches of different width");
    }
    for (Index i = 0; i < sum.size(); ++i) {
        sum.data()[i] += summand.data()[i];
    }
}

template <class Scalar>
void activate_all(Stream<Scalar>& stream, Activation activation, double scale) {
    for (Index i = 0; i < stream.size(); ++i) {
        stream.data()[i] = times(scale, activate(activation, stream.data()[i]));
    }
}

}  // namespace

double midpoint(const Interval& interval) {
    const BigFloat sum = add(interval.low(), interval.high(), Rounding::up);
    return sum.scaled(-1, Rounding::up).to_double(Rounding::down);
}

ForwardModel::ForwardModel(const Architecture& architecture,
                           const Checkpoint& checkpoint,
                           ForwardOptions options)
    : architecture_(architecture), options_(options) {
    const std::vector<std::string> names = tensor_names(architecture);
    for (const TensorInfo& info : checkpoint.tensors()) {
        if (std::find(names.begin(), names.end(), info.name) != names.end()) {
            tensors_.emplace(info.name, checkpoint.read(info));
        }
    }
}

const Matrix& ForwardModel::tensor(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
        throw std::invalid_argument("the checkpoint has no tensor " + name);
    }
    return found->second;
}

Vector ForwardModel::vector(const std::string& name) const {
    return tensor(name).reshaped();
}

Matrix ForwardModel::embed(std::span<const std::size_t> tokens) const {
    const Embedding& embedding = architecture_.embedding;
    const Matrix& table = tensor(embedding.weight);
    Matrix stream(index_of(tokens.size()), table.cols());
    for (Index i = 0; i < stream.rows(); ++i) {
        stream.row(i) = table.row(index_of(tokens[static_cast<std::size_t>(i)]));
        if (embedding.max_row_norm) {
            const double longest = midpoint(*embedding.max_row_norm);
            const double length = stream.row(i).norm();
            stream.row(i) *= length > longest ? longest / length : 1.0;
        }
        stream.row(i) *= midpoint(embedding.scale);
        if (!embedding.positions.empty()) {
            stream.row(i) +=
                tensor(embedding.positions).row(i + index_of(embedding.first_position));
        }
        if (!embedding.types.empty()) {
            stream.row(i) += tensor(embedding.types).row(i % tensor(embedding.types).rows());
        }
    }
    return stream;
}

template <class Scalar>
Stream<Scalar> ForwardModel::run(const std::vector<Module>& modules, Stream<Scalar> stream) const {
    for (const Module& module : modules) {
        stream = apply(module, stream);
    }
    return stream;
}

template <class Scalar>
Stream<Scalar> ForwardModel::behind_stem(Stream<Scalar> stream) const {
    stream = run(architecture_.stem, std::move(stream));
    const auto& vectors = architecture_.embedding.vectors;
    if (!vectors) {
        return stream;
    }
    const Index width = stream.cols();
    const auto rows = [&](const std::string& name) {
        const Matrix& stored = name.empty() ? Matrix(0, width) : tensor(name);
        return Matrix(stored.reshaped<Eigen::RowMajor>(stored.size() / width, width));
    };
    const Matrix beside = rows(vectors->beside);
    Stream<Scalar> joined(beside.rows() + stream.rows(), width);
    joined << beside.cast<Scalar>(), stream;
    if (!vectors->added.empty()) {
        const Matrix added = rows(vectors->added);
        const Matrix used = added.topRows(joined.rows());
        add_to(joined, Stream<Scalar>(used.cast<Scalar>()));
    }
    return joined;
}

template <class Scalar>
Stream<Scalar> ForwardModel::through_layer(Stream<Scalar> stream, std::size_t position) const {
    stream = behind_stem(std::move(stream));
    for (std::size_t i = 0; i <= position; ++i) {
        stream = run(architecture_.layers.at(i).modules, std::move(stream));
    }
    return stream;
}

template <class Scalar>
Stream<Scalar> ForwardModel::blocks(Stream<Scalar> stream) const {
    return architecture_.layers.empty()
               ? behind_stem(std::move(stream))
               : through_layer(std::move(stream), architecture_.layers.size() - 1);
}

template <class Scalar>
Stream<Scalar> ForwardModel::logits(Stream<Scalar> stream) const {
    return output(blocks(std::move(stream)));
}

template <class Scalar>
Stream<Scalar> ForwardModel::output(Stream<Scalar> stream) const {
    stream = run(architecture_.head, std::move(stream));
    if (architecture_.unembedding) {
        stream = linear(*architecture_.unembedding, stream);
    }
    return run(architecture_.after_unembedding, std::move(stream));
}

template <class Scalar>
Stream<Scalar> ForwardModel::apply(const Module& module, const Stream<Scalar>& stream) const {
    if (const auto* map = std::get_if<LinearMap>(&module.kind)) {
        return linear(*map, stream);
    }
    if (const auto* norm = std::get_if<Normalisation>(&module.kind)) {
        return normalise(*norm, stream);
    }
    if (const auto* attention = std::get_if<Attention>(&module.kind)) {
        return attend(*attention, stream);
    }
    if (const auto* mlp = std::get_if<Mlp>(&module.kind)) {
        Stream<Scalar> hidden = linear(mlp->in, stream);
        activate_all(hidden, mlp->activation, midpoint(mlp->activation_scale));
        return linear(mlp->out, hidden);
    }
    if (const auto* mlp = std::get_if<GatedMlp>(&module.kind)) {
        return gated(*mlp, stream);
    }
    if (const auto* elementwise = std::get_if<Elementwise>(&module.kind)) {
        Stream<Scalar> result = stream;
        activate_all(result, elementwise->activation, 1.0);
        return result;
    }
    if (const auto* body = std::get_if<Residual>(&module.kind)) {
        return residual(*body, stream);
    }
    if (const auto* parallel = std::get_if<Parallel>(&module.kind)) {
        Stream<Scalar> sum = run(parallel->branches.at(0), stream);
        for (std::size_t i = 1; i < parallel->branches.size(); ++i) {
            add_to(sum, run(parallel->branches[i], stream));
        }
        return sum;
    }
    if (const auto* scale = std::get_if<Scale>(&module.kind)) {
        Stream<Scalar> result = stream;
        scale_by(result, midpoint(scale->factor));
        return result;
    }
    return soft_cap(midpoint(std::get<SoftCap>(module.kind).cap), stream);
}

template <class Scalar>
Stream<Scalar> ForwardModel::linear(const LinearMap& map, const Stream<Scalar>& stream) const {
    const bool out_in = map.layout == Layout::out_in;
    const Matrix weight = out_in ? tensor(map.weight) : Matrix(tensor(map.weight).transpose());
    const Vector bias = map.bias.empty() ? Vector::Zero(weight.rows()) : vector(map.bias);
    const OutputSlice whole{0, static_cast<std::size_t>(weight.rows())};
    const std::vector<std::ptrdiff_t> outputs = outputs_of(map.slice.value_or(whole));
    require_width(stream, weight.cols(), map.weight);
    Stream<Scalar> result(stream.rows(), static_cast<Index>(outputs.size()));
    for (Index token = 0; token < stream.rows(); ++token) {
        for (Index i = 0; i < result.cols(); ++i) {
            const Index output = outputs[static_cast<std::size_t>(i)];
            auto sum = Scalar(bias(output));
            for (Index input = 0; input < weight.cols(); ++input) {
                sum += times(weight(output, input), stream(token, input));
            }
            result(token, i) = sum;
        }
    }
    return result;
}

template <class Scalar>
Stream<Scalar> ForwardModel::normalise(const Normalisation& norm,
                                       const Stream<Scalar>& stream) const {
    using std::sqrt;
    const Index width = stream.cols();
    const auto count = Scalar(static_cast<double>(width));
    const auto epsilon = Scalar(midpoint(norm.epsilon));
    Vector gain = norm.weight.empty() ? Vector::Ones(width) : vector(norm.weight);
    gain.array() += norm.weight_plus_one ? 1.0 : 0.0;
    const Vector shift = norm.bias.empty() ? Vector::Zero(width) : vector(norm.bias);
    Stream<Scalar> result(stream.rows(), width);
    for (Index token = 0; token < stream.rows(); ++token) {
        auto mean = Scalar(0.0);
        for (Index i = 0; i < width && norm.kind == NormKind::layer; ++i) {
            mean += stream(token, i) / count;
        }
        if (norm.kind == NormKind::unit) {
            auto square = Scalar(0.0);
            for (Index i = 0; i < width; ++i) {
                square += stream(token, i) * stream(token, i);
            }
            const bool is_long = primal(square) > primal(epsilon) * primal(epsilon);
            const Scalar length = is_long ? sqrt(square) : epsilon;
            for (Index i = 0; i < width; ++i) {
                result(token, i) = times(gain(i), stream(token, i) / length) + Scalar(shift(i));
            }
            continue;
        }
        auto mean_square = Scalar(0.0);
        for (Index i = 0; i < width; ++i) {
            result(token, i) = stream(token, i) - mean;
            mean_square += result(token, i) * result(token, i) / count;
        }
        const Scalar deviation = sqrt(mean_square + epsilon);
        for (Index i = 0; i < width; ++i) {
            result(token, i) = times(gain(i), result(token, i) / deviation) + Scalar(shift(i));
        }
    }
    return result;
}

template <class Scalar>
void ForwardModel::rotate(Stream<Scalar>& heads, Rotary rotary) const {
    const bool partial = rotary == Rotary::partial;
    const double share = partial ? options_.rotary_fraction : 1.0;
    const Index pairs = static_cast<Index>(share * static_cast<double>(heads.cols()) / 2.0);
    const bool interleaved = partial && options_.rotary_interleaved;
    for (Index position = 0; position < heads.rows(); ++position) {
        for (Index pair = 0; pair < pairs; ++pair) {
            const double frequency = std::pow(
                options_.rotary_base, -static_cast<double>(pair) / static_cast<double>(pairs));
            const double angle = static_cast<double>(position) * frequency;
            const auto cosine = Scalar(std::cos(angle));
            const auto sine = Scalar(std::sin(angle));
            Scalar& first = heads(position, interleaved ? 2 * pair : pair);
            Scalar& second = heads(position, interleaved ? 2 * pair + 1 : pair + pairs);
            const Scalar turned = first * cosine - second * sine;
            second = second * cosine + first * sine;
            first = turned;
        }
    }
}

template <class Scalar>
Stream<Scalar> ForwardModel::average(const Attention& attention,
                                     const Stream<Scalar>& query,
                                     const Stream<Scalar>& key,
                                     const Stream<Scalar>& values,
                                     Index head) const {
    using std::tanh;
    const auto tau = Scalar(midpoint(attention.score_scale));
    Stream<Scalar> result(query.rows(), values.cols());
    for (Index token = 0; token < query.rows(); ++token) {
        std::vector<Scalar> shares;
        for (Index other = 0; other < (attention.causal ? token + 1 : key.rows()); ++other) {
            auto product = Scalar(0.0);
            for (Index i = 0; i < query.cols(); ++i) {
                const Scalar apart = query(token, i) - key(other, i);
                product += attention.squared_distance ? Scalar(0.0) - apart * apart
                                                      : query(token, i) * key(other, i);
            }
            shares.push_back(tau * product);
            if (attention.score_cap) {
                const double cap = midpoint(*attention.score_cap);
                shares.back() = times(cap, tanh(shares.back() / Scalar(cap)));
            }
            if (attention.relative_bias) {
                const Matrix& table = tensor(attention.relative_bias->table);
                const Index farthest = index_of(attention.relative_bias->farthest);
                const Index row =
                    plain_row(other - token, table.rows(), farthest, attention.causal);
                shares.back() += Scalar(table(row, head));
            }
        }
        if (attention.sink) {
            const std::string& scores = attention.sink->scores;
            shares.push_back(Scalar(scores.empty() ? 0.0 : vector(scores)(head)));
        }
        softmax(shares);
        if (attention.sink) {
            shares.pop_back();  // its value is zero
        }
        for (Index i = 0; i < values.cols(); ++i) {
            auto sum = Scalar(0.0);
            for (std::size_t other = 0; other < shares.size(); ++other) {
                sum += shares[other] * values(index_of(other), i);
            }
            result(token, i) = sum;
        }
    }
    return result;
}

template <class Scalar>
Stream<Scalar> ForwardModel::attend(const Attention& attention,
                                    const Stream<Scalar>& stream) const {
    const Stream<Scalar> queries = linear(attention.query, stream);
    const Stream<Scalar> keys = linear(attention.key, stream);
    const Stream<Scalar> values = linear(attention.value, stream);
    const Index heads = index_of(attention.heads);
    const Index key_value_heads = index_of(attention.key_value_heads);
    const Index width = queries.cols() / heads;
    const Index value_width = values.cols() / key_value_heads;
    Stream<Scalar> averages(stream.rows(), heads * value_width);
    for (Index head = 0; head < heads; ++head) {
        const Index source = head * key_value_heads / heads;
        Stream<Scalar> query = queries.middleCols(head * width, width);
        Stream<Scalar> key = keys.middleCols(source * width, width);
        query = attention.query_norm ? normalise(*attention.query_norm, query) : query;
        key = attention.key_norm ? normalise(*attention.key_norm, key) : key;
        if (attention.rotary != Rotary::none) {
            rotate(query, attention.rotary);
            rotate(key, attention.rotary);
        }
        const Stream<Scalar> value = values.middleCols(source * value_width, value_width);
        averages.middleCols(head * value_width, value_width) =
            average(attention, query, key, value, head);
    }
    Stream<Scalar> result = linear(attention.output, averages);
    scale_by(result, midpoint(attention.output_scale));
    return result;
}

template <class Scalar>
Stream<Scalar> ForwardModel::gated(const GatedMlp& mlp, const Stream<Scalar>& stream) const {
    Stream<Scalar> hidden = linear(mlp.gate, stream);
    activate_all(hidden, mlp.activation, midpoint(mlp.activation_scale));
    const Stream<Scalar> up = linear(mlp.up, stream);
    for (Index i = 0; i < hidden.size(); ++i) {
        hidden.data()[i] = hidden.data()[i] * up.data()[i];
    }
    return linear(mlp.down, hidden);
}

template <class Scalar>
Stream<Scalar> ForwardModel::residual(const Residual& residual,
                                      const Stream<Scalar>& stream) const {
    Stream<Scalar> skip = residual.projection ? linear(*residual.projection, stream) : stream;
    scale_by(skip, midpoint(residual.skip_scale));
    Stream<Scalar> branch = run(residual.body, stream);
    scale_by(branch, midpoint(residual.branch_scale));
    add_to(skip, branch);
    return skip;
}

#define LIPCERT_INSTANTIATE(Scalar)                                                          \
    template Stream<Scalar> ForwardModel::blocks(Stream<Scalar>) const;                      \
    template Stream<Scalar> ForwardModel::output(Stream<Scalar>) const;                      \
    template Stream<Scalar> ForwardModel::logits(Stream<Scalar>) const;                      \
    template Stream<Scalar> ForwardModel::through_layer(Stream<Scalar>, std::size_t) const;  \
    template Stream<Scalar> ForwardModel::apply(const Module&, const Stream<Scalar>&) const; \
    template Stream<Scalar> ForwardModel::run(const std::vector<Module>&, Stream<Scalar>) const;

LIPCERT_INSTANTIATE(double)
LIPCERT_INSTANTIATE(long double)
LIPCERT_INSTANTIATE(Dual)

}  // namespace lipcert::test
