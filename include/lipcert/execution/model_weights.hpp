#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/execution/stream.hpp"

#include <map>
#include <optional>
#include <string>

namespace lipcert {

/// Every tensor of a model in memory, in the form in which modules read it.
template <class Scalar>
class ModelWeights {
public:
    using Weights = Coefficients<Scalar>;

    /// Throws Error{architecture} where the checkpoint does not have a tensor that the model needs.
    ModelWeights(const Architecture& architecture, const Checkpoint& checkpoint);

    /// A table as stored, a vector as one row. `name` is one that the architecture names.
    [[nodiscard]] const Weights& tensor(const std::string& name) const;
    /// The numbers of a tensor in rows of `width`; none where `name` is empty. Throws
    /// Error{architecture} where they do not fill them.
    [[nodiscard]] Weights rows(const std::string& name, Eigen::Index width) const;
    /// Inputs x outputs, of the outputs that the map's slice reads.
    [[nodiscard]] const Weights& map(const LinearMap& map) const;
    /// 1 x outputs; empty where the map has no bias.
    [[nodiscard]] Weights bias(const LinearMap& map) const;
    /// 1 x d: gamma, with one added where the norm counts from it; ones where there is none.
    [[nodiscard]] Weights gain(const Normalisation& norm, Eigen::Index width) const;
    /// The score of the key that every token sees beside the others, if there is one.
    [[nodiscard]] std::optional<typename Weights::Scalar> sink_score(const Attention& attention,
                                                                     Eigen::Index head) const;
    /// Query x key: what the scores of one head get by distance, for a sequence of this length.
    [[nodiscard]] Stream<Scalar> relative_bias(const Attention& attention,
                                               Eigen::Index head,
                                               Eigen::Index length) const;

private:
    std::map<std::string, Weights> tensors_;
    std::map<std::string, Weights> maps_;  ///< by tensor, layout and slice
};

extern template class ModelWeights<double>;
extern template class ModelWeights<float>;
extern template class ModelWeights<EnclosedNumber>;

}  // namespace lipcert
