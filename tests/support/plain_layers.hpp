#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include "support/model_builder.hpp"

namespace lipcert::test {

/// The layers of published models as their authors write them, over tensors by name, one token per
/// row. Nothing here knows the graph: what a family file makes of the same tensors is compared.
class PlainLayers {
public:
    explicit PlainLayers(const TinyTensors& tensors) : tensors_(tensors) {}

    /// x W^T + b, with name.weight and, where it is there, name.bias.
    [[nodiscard]] Matrix linear(const std::string& name, const Matrix& x) const;
    /// x W^T with a tensor of this very name.
    [[nodiscard]] Matrix times_transposed(const std::string& tensor, const Matrix& x) const;
    [[nodiscard]] Matrix layer_norm(const std::string& name, const Matrix& x, double epsilon) const;
    /// `plus`: added to the stored gain. Normalises runs of the gain's length: heads one by one.
    [[nodiscard]] Matrix rms_norm(const std::string& name,
                                  const Matrix& x,
                                  double epsilon,
                                  double plus = 0.0) const;

private:
    const TinyTensors& tensors_;
};

/// How an attention reads its three inputs, heads side by side.
struct PlainAttention {
    Eigen::Index heads = 1;
    Eigen::Index key_value_heads = 1;
    double scale = 1.0;  ///< of q.k
    bool causal = true;
    Eigen::Index rotated = 0;  ///< leading entries of each head, turned in halves
    double base = 10000.0;
    double cap = 0.0;                    ///< c > 0: scores are c tanh(scale q.k / c)
    std::vector<Matrix> constants = {};  ///< added to the scores, one matrix per head; empty: none
};

/// The row of a table of relative biases that T5 reads for a key `distance` tokens ahead.
[[nodiscard]] Eigen::Index plain_row(Eigen::Index distance,
                                     Eigen::Index rows,
                                     Eigen::Index farthest,
                                     bool causal);

/// The averages of the values, heads side by side.
[[nodiscard]] Matrix attend(const PlainAttention& attention,
                            const Matrix& queries,
                            const Matrix& keys,
                            const Matrix& values);

[[nodiscard]] Matrix gelu(const Matrix& x);       ///< erf form
[[nodiscard]] Matrix gelu_tanh(const Matrix& x);  ///< "gelu_new"
[[nodiscard]] Matrix silu(const Matrix& x);
[[nodiscard]] Matrix relu(const Matrix& x);

}  // namespace lipcert::test
