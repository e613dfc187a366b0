#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/forward.hpp"
#include "support/random.hpp"

namespace lipcert::test {

/// Builds graphs and their tensors by hand, without a family's layout.
class GraphBuilder {
public:
    /// y = W x (+ b); an empty bias: none.
    LinearMap linear(const Matrix& weight, const Vector& bias = {});
    /// gamma, beta: empty for none.
    Normalisation norm(NormKind kind,
                       double epsilon,
                       const Vector& gamma = {},
                       const Vector& beta = {});
    /// The name of a stored tensor of these values.
    std::string store(const Matrix& values);
    std::string store(const Vector& values);

    [[nodiscard]] const MemoryCheckpoint& checkpoint() const { return checkpoint_; }

    /// A model that is only `modules`, in one layer; without embedding table.
    [[nodiscard]] ForwardModel model(std::vector<Module> modules,
                                     const ForwardOptions& options = {}) const;

private:
    std::string next_name();

    MemoryCheckpoint checkpoint_;
    std::size_t count_ = 0;
};

/// skip x + branch body(x).
[[nodiscard]] Residual residual(std::vector<Module> body, double skip = 1.0, double branch = 1.0);

/// A graph of one layer; it needs no embedding table.
[[nodiscard]] Architecture one_layer(std::vector<Module> modules);

}  // namespace lipcert::test
