#pragma once

#include "lipcert/tensor/matrix.hpp"

namespace lipcert::test {

/// The largest singular value of `matrix` by Jacobi rotations: an oracle to about 1e-14 relative,
/// in one place because the decomposition takes long to compile.
[[nodiscard]] double largest_singular_value(const Matrix& matrix);

}  // namespace lipcert::test
