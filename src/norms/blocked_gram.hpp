#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert::blas {

/// What becomes of the numbers that are there already.
enum class Into { overwrite, add };

/// The lower triangle of P^T P, or of P P^T where `columns`, for a panel P of at most kGramLength
/// rows (columns): each block is formed with beta = 0 and then written, or
/// added, to `lower`, the blocks on several threads. Overwriting puts NaN above the diagonal, so
/// that a stray read shows; an entry that the BLAS does not write becomes NaN too.
void gram_of_panel(const MatrixView& panel, bool columns, Into into, Matrix& lower);

}  // namespace lipcert::blas
