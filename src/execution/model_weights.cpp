#include "lipcert/execution/model_weights.hpp"

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include "execution/relative_row.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using Eigen::Index;

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

}  // namespace

template <class Scalar>
ModelWeights<Scalar>::ModelWeights(const Architecture& architecture, const Checkpoint& checkpoint) {
    using Number = typename Weights::Scalar;
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
auto ModelWeights<Scalar>::tensor(const std::string& name) const -> const Weights& {
    return tensors_.at(name);
}

template <class Scalar>
auto ModelWeights<Scalar>::rows(const std::string& name, Index width) const -> Weights {
    if (name.empty()) {
        return Weights(0, width);
    }
    const Weights& entries = tensor(name);
    if (width == 0 || entries.size() % width != 0) {
        throw Error(ErrorKind::architecture,
                    name,
                    fmt::format("holds {} numbers, expected rows of {}", entries.size(), width));
    }
    return entries.template reshaped<Eigen::RowMajor>(entries.size() / width, width);
}

template <class Scalar>
auto ModelWeights<Scalar>::map(const LinearMap& map) const -> const Weights& {
    return maps_.at(key_of(map.weight, map.layout, map.slice));
}

template <class Scalar>
auto ModelWeights<Scalar>::bias(const LinearMap& map) const -> Weights {
    if (map.bias.empty()) {
        return {};
    }
    return map.slice ? Weights(tensor(map.bias)(Eigen::all, outputs_of(*map.slice)))
                     : tensor(map.bias);
}

template <class Scalar>
auto ModelWeights<Scalar>::gain(const Normalisation& norm, Index width) const -> Weights {
    Weights result = norm.weight.empty() ? Weights(Weights::Ones(1, width)) : tensor(norm.weight);
    if (norm.weight_plus_one) {
        result.array() += typename Weights::Scalar(1);
    }
    return result;
}

template <class Scalar>
auto ModelWeights<Scalar>::sink_score(const Attention& attention, Index head) const
    -> std::optional<typename Weights::Scalar> {
    if (!attention.sink) {
        return std::nullopt;
    }
    return attention.sink->scores.empty() ? typename Weights::Scalar(0)
                                          : tensor(attention.sink->scores)(0, head);
}

template <class Scalar>
auto ModelWeights<Scalar>::relative_bias(const Attention& attention, Index head, Index length) const
    -> Stream<Scalar> {
    const Weights& entries = tensor(attention.relative_bias->table);  // its rows, end to end
    const auto heads = static_cast<Index>(attention.heads);
    const auto farthest = static_cast<Index>(attention.relative_bias->farthest);
    Weights constants(length, length);
    for (Index query = 0; query < length; ++query) {
        for (Index key = 0; key < length; ++key) {
            const Index row =
                relative_row(key - query, entries.cols() / heads, farthest, attention.causal);
            constants(query, key) = entries(0, row * heads + head);
        }
    }
    return as_stream<Scalar>(constants);
}

template class ModelWeights<double>;
template class ModelWeights<float>;
template class ModelWeights<EnclosedNumber>;

}  // namespace lipcert
