#pragma once

#include "lipcert/execution/transformer.hpp"

#include <functional>
#include <vector>

namespace lipcert {

/// A function at one input: its value there and its derivative J, as products with it, between
/// streams of the input's shape and of the value's.
struct Linearisation {
    Matrix value;
    std::function<Matrix(const Matrix&)> push;  ///< dx -> J dx
    std::function<Matrix(const Matrix&)> pull;  ///< dy -> J^T dy
};

/// Of one module, of modules in a row, of the way from what enters the model to the end of the last
/// layer, and to the logits. The stream is one sequence. Where an activation has a corner (relu at
/// 0), the slope to the right is used. Cost of a product: about that of a run; memory: what a run
/// passes through. Valid while `model` lives.
[[nodiscard]] Linearisation linearise(const Transformer& model,
                                      const Module& module,
                                      const Matrix& stream);
[[nodiscard]] Linearisation linearise(const Transformer& model,
                                      const std::vector<Module>& modules,
                                      const Matrix& stream);
[[nodiscard]] Linearisation linearise_blocks(const Transformer& model, const Matrix& stream);
[[nodiscard]] Linearisation linearise_logits(const Transformer& model, const Matrix& stream);

}  // namespace lipcert
