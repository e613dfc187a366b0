#include "lipcert/execution/transformer.hpp"

#include "lipcert/bounds/embedding.hpp"
#include "lipcert/error.hpp"
#include "lipcert/rounding/interval.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "execution/kernels.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using Eigen::Index;

Index index_of(std::size_t number) {
    return static_cast<Index>(number);
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

/// How many tokens fit into a table with a row for each, of which the first `taken` are not theirs.
Index longest_of(const std::string& table, Index taken, const Checkpoint& checkpoint) {
    const TensorInfo* rows = table.empty() ? nullptr : checkpoint.find(table);
    if (rows == nullptr) {
        return std::numeric_limits<Index>::max();
    }
    const Index longest = index_of(row_count(*rows)) - taken;
    if (longest < 1) {
        throw Error(ErrorKind::architecture,
                    checkpoint.path(),
                    fmt::format("'{}' has {} rows, of which the first {} are not for tokens that "
                                "the model is given: none is left",
                                table,
                                row_count(*rows),
                                taken));
    }
    return longest;
}

Index longest_of(const Embedding& embedding, Index tokens_beside, const Checkpoint& checkpoint) {
    return embedding.vectors
               ? longest_of(embedding.vectors->added, tokens_beside, checkpoint)
               : longest_of(embedding.positions, index_of(embedding.first_position), checkpoint);
}

void require_fitting(Index tokens, Index longest) {
    if (tokens > longest) {
        throw Error(
            ErrorKind::input,
            std::to_string(tokens) + " tokens",
            "the model has " + std::to_string(longest) + " positions: use shorter sequences");
    }
}

}  // namespace

template <class Scalar>
BasicTransformer<Scalar>::BasicTransformer(const Architecture& architecture,
                                           const Checkpoint& checkpoint)
    : architecture_(architecture),
      weights_(architecture, checkpoint),
      tokens_beside_(index_of(tokens_beside(architecture.embedding, checkpoint))),
      longest_sequence_(longest_of(architecture.embedding, tokens_beside_, checkpoint)) {}

template <class Scalar>
auto BasicTransformer<Scalar>::embed(std::span<const std::size_t> tokens,
                                     Index sequence_length) const -> Values {
    using Number = typename Weights::Scalar;
    const Embedding& embedding = architecture_.embedding;
    if (embedding.vectors) {
        throw Error(ErrorKind::architecture,
                    "family " + architecture_.family,
                    "the model reads vectors, not tokens");
    }
    const Weights& table = weights_.tensor(embedding.weight);
    const Index length = sequence_length == 0 ? index_of(tokens.size()) : sequence_length;
    const Index first = index_of(embedding.first_position);
    require_fitting(length, longest_sequence());
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
            stream.row(i) += weights_.tensor(embedding.positions).row(first + i % length);
        }
        if (!embedding.types.empty()) {
            stream.row(i) += weights_.tensor(embedding.types).row(0);  // one text is of one type
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
Pass BasicTransformer<Scalar>::behind_stem(const Pass& pass) const {
    Pass behind = pass;
    behind.sequence_length += pass.sequence_length == 0 ? 0 : tokens_beside_;
    return behind;
}

template <class Scalar>
auto BasicTransformer<Scalar>::join_constants(Values stream, const Pass& pass) const -> Values {
    const auto& vectors = architecture_.embedding.vectors;
    if (!vectors) {
        return stream;
    }
    const Index length = pass.sequence_length == 0 ? stream.rows() : pass.sequence_length;
    require_fitting(length, longest_sequence());
    const Index sequences = length == 0 ? 0 : stream.rows() / length;
    const Index longer = tokens_beside_ + length;
    const Weights beside = weights_.rows(vectors->beside, stream.cols());
    const Weights added = weights_.rows(vectors->added, stream.cols());
    Values joined(sequences * longer, stream.cols());
    for (Index sequence = 0; sequence < sequences; ++sequence) {
        joined.middleRows(sequence * longer, tokens_beside_) = as_stream<Scalar>(beside);
        joined.middleRows(sequence * longer + tokens_beside_, length) =
            stream.middleRows(sequence * length, length);
    }
    if (!vectors->added.empty()) {
        const Weights all = added.topRows(longer).replicate(sequences, 1);
        Kernels<Scalar>::add(as_stream<Scalar>(all), joined);
    }
    return joined;
}

template <class Scalar>
auto BasicTransformer<Scalar>::blocks(Values stream, const Pass& pass) const -> Values {
    stream = join_constants(run_blocks(architecture_.stem, std::move(stream), pass), pass);
    const Pass behind = behind_stem(pass);
    for (const Layer& layer : architecture_.layers) {
        stream = run_blocks(layer.modules, std::move(stream), behind);
    }
    return stream;
}

template <class Scalar>
auto BasicTransformer<Scalar>::logits(Values stream, const Pass& pass) const -> Values {
    const Pass behind = behind_stem(pass);
    stream = run_blocks(architecture_.head, blocks(std::move(stream), pass), behind);
    if (architecture_.unembedding) {
        stream = apply(*architecture_.unembedding, stream, behind);
    }
    for (const Module& module : architecture_.after_unembedding) {
        stream = apply(module, stream, behind);
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
    return Kernels<Scalar>::affine(stream, weights_.map(map), weights_.bias(map));
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
    const Weights shift = norm.bias.empty() ? Weights() : weights_.tensor(norm.bias);
    if (!norm.weight.empty()) {
        Kernels<Scalar>::affine_columns(
            weights_.tensor(norm.weight), norm.weight_plus_one, shift, result);
    } else if (shift.size() != 0) {
        Kernels<Scalar>::affine_columns(weights_.gain(norm, stream.cols()), false, shift, result);
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
        inputs.sink_scores.push_back(*weights_.sink_score(attention, head));
    }
    for (Index head = 0; attention.relative_bias && head < heads; ++head) {
        inputs.relative_bias.push_back(
            weights_.relative_bias(attention, head, inputs.sequence_length));
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
