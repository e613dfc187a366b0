#pragma once

#include "lipcert/tensor/matrix.hpp"

namespace lipcert::estimate {

/// The rows become an orthonormal basis of what they span, about as nearly so as 2^-52 times the
/// square of their condition: by Cholesky's way, all of it products, or Householder's where they
/// are all but dependent.
void orthonormalise(Matrix& rows);

}  // namespace lipcert::estimate
