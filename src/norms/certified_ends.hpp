#pragma once

#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include "norms/gram.hpp"

namespace lipcert {

/// [S3] Bounds |W'|_2 from above, where `gram` is a computed Gram matrix for W' and
/// `largest_eigenvalue` (+inf: none was certified) bounds its spectrum. The trace and the largest
/// row sum bound |W'|_2^2 too, and the least of the three is taken.
[[nodiscard]] Upper upper_end(const Upper& largest_eigenvalue, const Gram& gram);

/// [S4] Bounds |W'|_2 from below by |W' vector| / |vector|; `frobenius` >= |W'|_F. 0 where the
/// vector does not have a length of about 1.
[[nodiscard]] Lower lower_end(const TallPanels& panels,
                              const Vector& vector,
                              const Upper& frobenius);

/// An enclosure of the norm of a matrix from that of its scaled copy, which is off by at most
/// `error`.
[[nodiscard]] Enclosure widened(const Enclosure& norm, const Upper& error);

/// Both norms of 2^exponent W' and the matrix it was scaled from: an upper end as above, the lower
/// one by `vector`.
[[nodiscard]] SpectralNorm norm_between(const TallPanels& panels,
                                        const Gram& gram,
                                        const Upper& largest_eigenvalue,
                                        const Vector& vector,
                                        int exponent);

}  // namespace lipcert
