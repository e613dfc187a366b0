#include "lipcert/execution/transformer.hpp"

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"
#include "lipcert/rounding/interval.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "execution/activate.hpp"
#include "execution/attend.hpp"
#include "norms/blas.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

Index index_of(std::size_t number) {
    return static_cast<Index>(number);
}

}  // namespace

Transformer::Transformer(const Architecture& architecture, const Checkpoint& checkpoint)
    : architecture_(architecture) {
    for (const WeightUse& use : weight_uses(architecture)) {
        const TensorInfo* tensor = checkpoint.find(use.tensor);
        if (tensor == nullptr) {
            throw Error(ErrorKind::architecture,
                        checkpoint.path(),
                        "the model needs the tensor '" + use.tensor +
                            "', which the checkpoint does not have");
        }
        const bool is_map = use.kind == WeightKind::map || use.kind == WeightKind::unembedding;
        std::map<std::string, Matrix>& weights = is_map ? maps_ : tensors_;
        if (weights.count(use.tensor) == 0) {
            Matrix values = checkpoint.read(*tensor);
            const bool turn = is_map && use.layout == Layout::out_in;
            weights.emplace(use.tensor, turn ? Matrix(values.transpose()) : std::move(values));
        }
    }
}

Vector Transformer::vector(const std::string& name) const {
    return tensors_.at(name).reshaped();
}

Matrix Transformer::embed(std::span<const std::size_t> tokens) const {
    const Embedding& embedding = architecture_.embedding;
    const Matrix& table = tensors_.at(embedding.weight);
    Matrix stream(index_of(tokens.size()), table.cols());
    for (Index i = 0; i < stream.rows(); ++i) {
        const std::size_t token = tokens[static_cast<std::size_t>(i)];
        if (index_of(token) >= table.rows()) {
            throw Error(ErrorKind::input,
                        "token " + std::to_string(token),
                        "the model's vocabulary has " + std::to_string(table.rows()) +
                            " tokens: these tokens belong to another model");
        }
        stream.row(i) = table.row(index_of(token));
        if (embedding.max_row_norm) {
            const double longest = middle(*embedding.max_row_norm);
            const double length = stream.row(i).norm();
            stream.row(i) *= length > longest ? longest / length : 1.0;
        }
    }
    stream *= middle(embedding.scale);
    if (!embedding.positions.empty()) {
        const Matrix& positions = tensors_.at(embedding.positions);
        const Index first = index_of(embedding.first_position);
        if (stream.rows() > positions.rows() - first) {
            throw Error(ErrorKind::input,
                        std::to_string(stream.rows()) + " tokens",
                        "the model has " + std::to_string(positions.rows() - first) +
                            " positions: use shorter sequences");
        }
        stream += positions.middleRows(first, stream.rows());
    }
    if (!embedding.types.empty()) {
        stream.rowwise() += tensors_.at(embedding.types).row(0);  // one text is of one type
    }
    return stream;
}

Matrix Transformer::run(const std::vector<Module>& modules, Matrix stream) const {
    for (const Module& module : modules) {
        stream = std::visit([&](const auto& kind) { return apply(kind, stream); }, module.kind);
    }
    return stream;
}

Matrix Transformer::blocks(Matrix stream) const {
    stream = run(architecture_.stem, std::move(stream));
    for (const Layer& layer : architecture_.layers) {
        stream = run(layer.modules, std::move(stream));
    }
    return stream;
}

Matrix Transformer::logits(Matrix stream) const {
    stream = run(architecture_.head, blocks(std::move(stream)));
    if (architecture_.unembedding) {
        stream = apply(*architecture_.unembedding, stream);
    }
    return run(architecture_.after_unembedding, std::move(stream));
}

Matrix Transformer::apply(const LinearMap& map, const Matrix& stream) const {
    const Matrix& weight = maps_.at(map.weight);
    if (!map.slice) {
        Matrix result = blas::multiply(stream, weight);
        if (!map.bias.empty()) {
            result.rowwise() += vector(map.bias).transpose();
        }
        return result;
    }
    const std::vector<std::ptrdiff_t> outputs = outputs_of(*map.slice);
    Matrix result = blas::multiply(stream, Matrix(weight(Eigen::all, outputs)));
    if (!map.bias.empty()) {
        result.rowwise() += Vector(vector(map.bias)(outputs)).transpose();
    }
    return result;
}

Matrix Transformer::apply(const Normalisation& norm, const Matrix& stream) const {
    const auto width = static_cast<double>(stream.cols());
    const double epsilon = middle(norm.epsilon);
    Vector gain = norm.weight.empty() ? Vector::Ones(stream.cols()) : vector(norm.weight);
    gain.array() += norm.weight_plus_one ? 1.0 : 0.0;
    Matrix result = stream;
    for (Index token = 0; token < result.rows(); ++token) {
        if (norm.kind == NormKind::layer) {
            result.row(token).array() -= result.row(token).mean();
        }
        result.row(token) /= std::sqrt(result.row(token).squaredNorm() / width + epsilon);
    }
    result = result * gain.asDiagonal();
    if (!norm.bias.empty()) {
        result.rowwise() += vector(norm.bias).transpose();
    }
    return result;
}

Matrix Transformer::apply(const Attention& attention, const Matrix& stream) const {
    if (attention.rotary != Rotary::none && !attention.rotary_angles) {
        throw Error(ErrorKind::architecture,
                    attention.query.weight,
                    "the angles of its rotary embedding are not known, so the model can be "
                    "certified but not run");
    }
    const Matrix queries = apply(attention.query, stream);
    const Matrix keys = apply(attention.key, stream);
    const Matrix values = apply(attention.value, stream);
    const Index heads = index_of(attention.heads);
    const Index sources = index_of(attention.key_value_heads);
    const Index width = queries.cols() / heads;
    const Index value_width = values.cols() / sources;
    HeadScores scores;
    scores.scale = middle(attention.score_scale);
    scores.causal = attention.causal;
    if (attention.score_cap) {
        scores.cap = middle(*attention.score_cap);
    }
    Vector sinks = Vector::Zero(heads);
    if (attention.sink && !attention.sink->scores.empty()) {
        sinks = vector(attention.sink->scores);
    }
    Matrix averages(stream.rows(), heads * value_width);
    for (Index head = 0; head < heads; ++head) {
        const Index source = head * sources / heads;
        Matrix query = queries.middleCols(head * width, width);
        Matrix key = keys.middleCols(source * width, width);
        query = attention.query_norm ? apply(*attention.query_norm, query) : query;
        key = attention.key_norm ? apply(*attention.key_norm, key) : key;
        if (attention.rotary_angles) {
            rotate(query, *attention.rotary_angles);
            rotate(key, *attention.rotary_angles);
        }
        if (attention.sink) {
            scores.sink_score = sinks(head);
        }
        averages.middleCols(head * value_width, value_width) = softmax_average(
            query, key, values.middleCols(source * value_width, value_width), scores);
    }
    return middle(attention.output_scale) * apply(attention.output, averages);
}

Matrix Transformer::apply(const Mlp& mlp, const Matrix& stream) const {
    return apply(mlp.out,
                 activated(mlp.activation, middle(mlp.activation_scale), apply(mlp.in, stream)));
}

Matrix Transformer::apply(const GatedMlp& mlp, const Matrix& stream) const {
    const Matrix gate =
        activated(mlp.activation, middle(mlp.activation_scale), apply(mlp.gate, stream));
    return apply(mlp.down, gate.cwiseProduct(apply(mlp.up, stream)));
}

Matrix Transformer::apply(const Residual& residual, const Matrix& stream) const {
    const Matrix skip = residual.projection ? apply(*residual.projection, stream) : stream;
    return middle(residual.skip_scale) * skip +
           middle(residual.branch_scale) * run(residual.body, stream);
}

Matrix Transformer::apply(const Parallel& parallel, const Matrix& stream) const {
    Matrix sum = run(parallel.branches.front(), stream);
    for (std::size_t i = 1; i < parallel.branches.size(); ++i) {
        sum += run(parallel.branches[i], stream);
    }
    return sum;
}

Matrix Transformer::apply(const Scale& scale, const Matrix& stream) const {
    return middle(scale.factor) * stream;
}

Matrix Transformer::apply(const SoftCap& cap, const Matrix& stream) const {
    const double level = middle(cap.cap);
    return activated(Activation::tanh, level, stream / level);
}

}  // namespace lipcert
