#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

/// What rounding and underflow add to a computed matrix, vector or diagonal, as formulas of their
/// own: beside a weight every underflow term is invisible, so tests call these with norms as small
/// as an underflow, where each term counts. Operands have entries at most 1 in magnitude.
namespace lipcert {

/// sqrt(entries) 2^-1022: the Frobenius norm of an error of one underflow in every entry.
[[nodiscard]] Upper entrywise_underflow(Eigen::Index entries);

/// [S6] Bounds |fl(AB) - AB|_F, where A has `inner` columns and the product `entries` entries.
[[nodiscard]] Upper product_error(Eigen::Index inner,
                                  Eigen::Index entries,
                                  const Upper& norm_a,
                                  const Upper& norm_b);

/// [S6] Bounds |fl(A + B) - (A + B)|_F, where `lost` entries underflowed in the alignment.
[[nodiscard]] Upper sum_error(const Upper& norm_of_sum, Eigen::Index entries, Eigen::Index lost);

/// [S6] Bounds |fl(cA) - cA|_F and |fl(A diag d) - A diag d|_F: one product in every entry.
[[nodiscard]] Upper entrywise_product_error(const Upper& norm_of_result, Eigen::Index entries);

/// [S6] Bounds the error of subtracting the computed mean from each row of `cols` entries.
[[nodiscard]] Upper centring_error(Eigen::Index cols,
                                   Eigen::Index entries,
                                   const Upper& norm_of_operand,
                                   const Upper& norm_of_result);

/// [S3] Bounds |fl(tau I - G) - (tau I - G)|_2 on the diagonal, likewise of fl(G + tau I) [S5].
[[nodiscard]] Upper diagonal_error(const Upper& largest_diagonal);

/// [S11] Bounds |X L^T - B|_F for the computed solution X of X L^T = B with `entries` entries, the
/// largest of which is at most `largest`, L lower triangular of `size` rows and entries up to
/// sqrt(2).
[[nodiscard]] Upper solution_error(Eigen::Index size,
                                   Eigen::Index entries,
                                   const Upper& norm_of_solution,
                                   const Upper& norm_of_factor,
                                   const Upper& largest);

/// [S4] Bounds |fl(W v) - W v|_2 for W of `inner` x `size` and |v|_2 at most `length`.
[[nodiscard]] Upper image_error(Eigen::Index inner,
                                Eigen::Index size,
                                const Upper& frobenius,
                                const Upper& length);

}  // namespace lipcert
