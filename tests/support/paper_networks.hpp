#pragma once

#include "lipcert/architecture/graph.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "support/model_builder.hpp"

namespace lipcert::test {

/// A random network of arXiv 2507.13338's architecture: x <- (1 - a) x + a f(x) with a = 1/(2
/// layers), attention times 1/3 with scores q.k/head_dim, gelu/1.1289, no norms, no biases.
/// Embedding rows have RMS 1, every matrix has RMS norm 1 but for queries and keys.
struct PaperNetwork {
    std::string name;
    std::size_t width = 32;
    std::size_t heads = 4;
    std::size_t layers = 2;
    bool orthogonal = false;      ///< multiples of matrices with orthonormal rows or columns
    double query_key_norm = 1.0;  ///< RMS norm
    bool rotary = false;
    std::uint64_t seed = 0;
};

/// The networks of docs/tightness.md, without and with rotary positions; the same in every run.
[[nodiscard]] std::vector<PaperNetwork> paper_networks();

[[nodiscard]] TinyModel build(const PaperNetwork& network);

/// What a product of norms gives for the blocks in the max-token L2 norm: for every head
/// |Wo_h| |Wv_h| (1 + 2 tau R^2 |Wq_h| |Wk_h|), for an MLP slope |W2| |W1|, skip paths added, and
/// radii from the same norms. A bound, in rounded arithmetic.
[[nodiscard]] double naive_product(const Architecture& architecture,
                                   const Checkpoint& checkpoint,
                                   double radius);

}  // namespace lipcert::test
