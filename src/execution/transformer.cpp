#include "lipcert/execution/transformer.hpp"

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"
#include "lipcert/rounding/interval.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "execution/kernels.hpp"
#include "execution/relative_row.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using Eigen::Index;

Index index_of(std::size_t number) {
    return static_cast<Index>(number);
}

std::string key_of(const std::string& tensor,
                   Layout layout,
                   const std::optional<OutputSlice>& slice) {
    const std::string whole = tensor + (layout == Layout::out_in ? " out in" : " in out");
    return slice ? fmt::format("{} {} {} {} {}",
                               whole,
                               slice->begin,
                               slice->count,
                               slice->runs,
                               slice->period)
                 : whole;
}

/// Inputs x outputs, of the outputs in the slice.
Matrix as_map(const Matrix& stored, Layout layout, const std::optional<OutputSlice>& slice) {
    const Matrix whole = layout == Layout::out_in ? Matrix(stored.transpose()) : stored;
    return slice ? Matrix(whole(Eigen::all, outputs_of(*slice))) : whole;
}

template <class Scalar>
double smallest_rms(NormKind kind, const Stream<Scalar>& stream) {
    double smallest = std::numeric_limits<double>::infinity();
    for (Index token = 0; token < stream.rows(); ++token) {
        const auto row = stream.row(token).template cast<double>();
        const double mean = kind == NormKind::layer ? row.mean() : 0.0;
        // Scaled, so that no square overflows; what is not finite must show.
        const double rms =
            (row.array() - mean).matrix().stableNorm() / std::sqrt(static_cast<double>(row.size()));
        if (!std::isfinite(rms)) {
            throw Error(ErrorKind::input,
                        "",
                        "running the model overflows before a normalisation; expected weights and "
                        "activations that float64 holds");
        }
        smallest = std::min(smallest, rms);
    }
    return smallest;
}

/// Entries of an EnclosedNumber stream are never observed.
template <class Scalar>
constexpr bool kObservable = std::is_floating_point_v<Scalar>;

}  // namespace

template <class Scalar>
BasicTransformer<Scalar>::BasicTransformer(const Architecture& architecture,
                                           const Checkpoint& checkpoint)
    : architecture_(architecture) {
    using Number = typename Weights::Scalar;
    if (architecture.embedding.vectors) {
        throw Error(ErrorKind::architecture,
                    checkpoint.path(),
                    "family " + architecture.family +
                        " reads vectors, not tokens: such a model is certified, but not run");
    }
    for (const WeightUse& use : weight_uses(architecture)) {
        const TensorInfo* tensor = checkpoint.find(use.tensor);
        if (tensor == nullptr) {
            throw Error(ErrorKind::architecture,
                        checkpoint.path(),
                        "the model needs the tensor '" + use.tensor +
                            "', which the checkpoint does not have");
        }
        const bool is_map = use.kind == WeightKind::map || use.kind == WeightKind::unembedding;
        const std::string key = is_map ? key_of(use.tensor, use.layout, use.slice) : use.tensor;
        std::map<std::string, Weights>& weights = is_map ? maps_ : tensors_;
        if (weights.count(key) != 0) {
            continue;
        }
        Matrix values = checkpoint.read(*tensor);
        if (is_map) {
            values = as_map(values, use.layout, use.slice);
        } else if (use.kind == WeightKind::vector) {
            values = Matrix(values.template reshaped<Eigen::RowMajor>().transpose());
        }
        weights.emplace(key, values.template cast<Number>());
    }
}

template <class Scalar>
auto BasicTransformer<Scalar>::tensor(const std::string& name) const -> const Weights& {
    return tensors_.at(name);
}

template <class Scalar>
auto BasicTransformer<Scalar>::weight(const LinearMap& map) const -> const Weights& {
    return maps_.at(key_of(map.weight, map.layout, map.slice));
}

template <class Scalar>
auto BasicTransformer<Scalar>::gain(const Normalisation& norm, Index width) const -> Weights {
    Weights result = norm.weight.empty() ? Weights(Weights::Ones(1, width)) : tensor(norm.weight);
    if (norm.weight_plus_one) {
        result.array() += typename Weights::Scalar(1);
    }
    return result;
}

template <class Scalar>
Index BasicTransformer<Scalar>::longest_sequence() const {
    const Embedding& embedding = architecture_.embedding;
    return embedding.positions.empty()
               ? std::numeric_limits<Index>::max()
               : tensor(embedding.positions).rows() - index_of(embedding.first_position);
}

template <class Scalar>
auto BasicTransformer<Scalar>::embed(std::span<const std::size_t> tokens,
                                     Index sequence_length) const -> Values {
    using Number = typename Weights::Scalar;
    const Embedding& embedding = architecture_.embedding;
    const Weights& table = tensor(embedding.weight);
    const Index length = sequence_length == 0 ? index_of(tokens.size()) : sequence_length;
    const Index first = index_of(embedding.first_position);
    if (length > longest_sequence()) {
        throw Error(ErrorKind::input,
                    std::to_string(length) + " tokens",
                    "the model has " + std::to_string(longest_sequence()) +
                        " positions: use shorter sequences");
    }
    Weights stream(index_of(tokens.size()), table.cols());
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
            const auto longest = static_cast<Number>(middle(*embedding.max_row_norm));
            const Number norm = stream.row(i).norm();
            stream.row(i) *= norm > longest ? longest / norm : Number(1);
        }
        stream.row(i) *= static_cast<Number>(middle(embedding.scale));
        if (!embedding.positions.empty()) {
            stream.row(i) += tensor(embedding.positions).row(first + i % length);
        }
        if (!embedding.types.empty()) {
            stream.row(i) += tensor(embedding.types).row(0);  // one text is of one type
        }
    }
    if constexpr (kObservable<Scalar>) {
        return stream;
    } else {
        throw Error(ErrorKind::internal, "", "the rounding of an embedding stream is not enclosed");
    }
}

template <class Scalar>
auto BasicTransformer<Scalar>::run(const std::vector<Module>& modules,
                                   const Values& stream,
                                   const Pass& pass) const -> Values {
    if (modules.empty()) {
        return stream;
    }
    Values result = apply(modules.front(), stream, pass);
    for (std::size_t i = 1; i < modules.size(); ++i) {
        result = apply(modules[i], result, pass);
    }
    return result;
}

template <class Scalar>
auto BasicTransformer<Scalar>::run_blocks(const std::vector<Module>& modules,
                                          Values stream,
                                          const Pass& pass) const -> Values {
    for (const Module& module : modules) {
        stream = apply(module, stream, pass);
        if constexpr (kObservable<Scalar>) {
            if (pass.observer != nullptr && stream.size() != 0) {
                const auto longest = static_cast<double>(stream.rowwise().norm().maxCoeff());
                const auto width = static_cast<double>(stream.cols());
                pass.observer->after_block(module,
                                           {static_cast<std::size_t>(stream.cols()),
                                            static_cast<double>(stream.cwiseAbs().maxCoeff()),
                                            longest / std::sqrt(width)});
            }
        }
    }
    return stream;
}

template <class Scalar>
auto BasicTransformer<Scalar>::blocks(Values stream, const Pass& pass) const -> Values {
    stream = run_blocks(architecture_.stem, std::move(stream), pass);
    for (const Layer& layer : architecture_.layers) {
        stream = run_blocks(layer.modules, std::move(stream), pass);
    }
    return stream;
}

template <class Scalar>
auto BasicTransformer<Scalar>::logits(Values stream, const Pass& pass) const -> Values {
    stream = run_blocks(architecture_.head, blocks(std::move(stream), pass), pass);
    if (architecture_.unembedding) {
        stream = apply(*architecture_.unembedding, stream, pass);
    }
    for (const Module& module : architecture_.after_unembedding) {
        stream = apply(module, stream, pass);
    }
    return stream;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Module& module,
                                     const Values& stream,
                                     const Pass& pass) const -> Values {
    return std::visit([&](const auto& kind) { return apply(kind, stream, pass); }, module.kind);
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const LinearMap& map,
                                     const Values& stream,
                                     const Pass& /*pass*/) const -> Values {
    Weights bias;
    if (!map.bias.empty()) {
        bias = map.slice ? Weights(tensor(map.bias)(Eigen::all, outputs_of(*map.slice)))
                         : tensor(map.bias);
    }
    return Kernels<Scalar>::affine(stream, weight(map), bias);
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Normalisation& norm,
                                     const Values& stream,
                                     const Pass& pass) const -> Values {
    if constexpr (kObservable<Scalar>) {
        if (pass.observer != nullptr) {
            pass.observer->at_norm(norm, smallest_rms(norm.kind, stream));
        }
    }
    Values result = stream;
    Kernels<Scalar>::normalise(norm.kind, norm.epsilon, result);
    const Weights shift = norm.bias.empty() ? Weights() : tensor(norm.bias);
    if (!norm.weight.empty()) {
        Kernels<Scalar>::affine_columns(tensor(norm.weight), norm.weight_plus_one, shift, result);
    } else if (shift.size() != 0) {
        Kernels<Scalar>::affine_columns(gain(norm, stream.cols()), false, shift, result);
    }
    return result;
}

template <class Scalar>
// What differs between queries and keys, and what they share.
// NOLINTNEXTLINE(readability-function-size)
auto BasicTransformer<Scalar>::head_parts(const LinearMap& map,
                                          const std::optional<Normalisation>& norm,
                                          Index heads,
                                          const Attention& attention,
                                          const Values& stream,
                                          const Pass& pass) const -> Values {
    Values parts = apply(map, stream, pass);
    const Index width = parts.cols() / heads;
    if (norm) {
        parts.resize(stream.rows() * heads, width);  // the same entries, a head in each row
        parts = apply(*norm, parts, pass);
        parts.resize(stream.rows(), heads * width);
    }
    if (attention.rotary_angles) {
        const Index length = pass.sequence_length == 0 ? stream.rows() : pass.sequence_length;
        Kernels<Scalar>::rotate(*attention.rotary_angles, width, length, parts);
    }
    return parts;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Attention& attention,
                                     const Values& stream,
                                     const Pass& pass) const -> Values {
    require_known_angles(attention);
    const Index heads = index_of(attention.heads);
    const Index sources = index_of(attention.key_value_heads);
    HeadInputs<Scalar> inputs{
        attention,
        head_parts(attention.query, attention.query_norm, heads, attention, stream, pass),
        head_parts(attention.key, attention.key_norm, sources, attention, stream, pass),
        apply(attention.value, stream, pass),
        pass.sequence_length == 0 ? stream.rows() : pass.sequence_length};
    for (Index head = 0; attention.sink && head < heads; ++head) {
        inputs.sink_scores.push_back(*sink_score(attention, head));
    }
    for (Index head = 0; attention.relative_bias && head < heads; ++head) {
        inputs.relative_bias.push_back(relative_bias(attention, head, inputs.sequence_length));
    }
    double largest_score = 0.0;
    const Values averages =
        Kernels<Scalar>::attend(inputs, pass.observer == nullptr ? nullptr : &largest_score);
    if (pass.observer != nullptr) {
        pass.observer->at_scores(attention, largest_score);
    }
    Values result = apply(attention.output, averages, pass);
    Kernels<Scalar>::scale(attention.output_scale, result);
    return result;
}

template <class Scalar>
auto BasicTransformer<Scalar>::sink_score(const Attention& attention, Index head) const
    -> std::optional<typename Weights::Scalar> {
    if (!attention.sink) {
        return std::nullopt;
    }
    return attention.sink->scores.empty() ? typename Weights::Scalar(0)
                                          : tensor(attention.sink->scores)(0, head);
}

template <class Scalar>
auto BasicTransformer<Scalar>::relative_bias(const Attention& attention,
                                             Index head,
                                             Index length) const -> Values {
    const Weights& entries = tensor(attention.relative_bias->table);  // its rows, end to end
    const Index heads = index_of(attention.heads);
    const Index farthest = index_of(attention.relative_bias->farthest);
    Values constants(length, length);
    for (Index query = 0; query < length; ++query) {
        for (Index key = 0; key < length; ++key) {
            const Index row =
                relative_row(key - query, entries.cols() / heads, farthest, attention.causal);
            const auto entry = entries(0, row * heads + head);
            if constexpr (kObservable<Scalar>) {
                constants(query, key) = entry;
            } else {
                constants(query, key) = Scalar::exact(entry);
            }
        }
    }
    return constants;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Mlp& mlp, const Values& stream, const Pass& pass) const
    -> Values {
    Values hidden = apply(mlp.in, stream, pass);
    Kernels<Scalar>::activate(mlp.activation, mlp.activation_scale, hidden);
    return apply(mlp.out, hidden, pass);
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const GatedMlp& mlp,
                                     const Values& stream,
                                     const Pass& pass) const -> Values {
    Values hidden = apply(mlp.gate, stream, pass);
    Kernels<Scalar>::activate(mlp.activation, mlp.activation_scale, hidden);
    Kernels<Scalar>::multiply_entries(apply(mlp.up, stream, pass), hidden);
    return apply(mlp.down, hidden, pass);
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Elementwise& module,
                                     const Values& stream,
                                     const Pass& /*pass*/) const -> Values {
    Values result = stream;
    Kernels<Scalar>::activate(module.activation, Interval::exact(1.0), result);
    return result;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Residual& residual,
                                     const Values& stream,
                                     const Pass& pass) const -> Values {
    Values sum = residual.projection ? apply(*residual.projection, stream, pass) : stream;
    Kernels<Scalar>::scale(residual.skip_scale, sum);
    Values branch = run(residual.body, stream, pass);
    Kernels<Scalar>::scale(residual.branch_scale, branch);
    Kernels<Scalar>::add(branch, sum);
    return sum;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Parallel& parallel,
                                     const Values& stream,
                                     const Pass& pass) const -> Values {
    Values sum = run(parallel.branches.front(), stream, pass);
    for (std::size_t i = 1; i < parallel.branches.size(); ++i) {
        Kernels<Scalar>::add(run(parallel.branches[i], stream, pass), sum);
    }
    return sum;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const Scale& scale,
                                     const Values& stream,
                                     const Pass& /*pass*/) const -> Values {
    Values result = stream;
    Kernels<Scalar>::scale(scale.factor, result);
    return result;
}

template <class Scalar>
auto BasicTransformer<Scalar>::apply(const SoftCap& cap,
                                     const Values& stream,
                                     const Pass& /*pass*/) const -> Values {
    Values result = stream;
    Kernels<Scalar>::soft_cap(cap.cap, result);
    return result;
}

template class BasicTransformer<double>;
template class BasicTransformer<float>;
template class BasicTransformer<EnclosedNumber>;

}  // namespace lipcert
