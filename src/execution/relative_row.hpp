#pragma once

#include <cstddef>

namespace lipcert {

/// The row of a table with `rows` rows that T5 reads for a key `distance` tokens behind its query
/// (negative) or ahead of it: near ones one by one, others in steps of equal ratios up to
/// `farthest`, which lies beyond the rows. Two-sided unless causal: the second half of the rows is
/// for keys ahead. In float32, as the class computes it.
/// Source: T5Attention._relative_position_bucket of transformers.
[[nodiscard]] std::ptrdiff_t relative_row(std::ptrdiff_t distance,
                                          std::ptrdiff_t rows,
                                          std::ptrdiff_t farthest,
                                          bool causal);

}  // namespace lipcert
