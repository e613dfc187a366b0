#pragma once

#include "lipcert/tensor/matrix.hpp"

/// Dense BLAS and LAPACK for guesses: nothing here is checked, and no bound rests on it. What is
/// built from these numbers is certified afterwards.
namespace lipcert::estimate {

/// Some eigenvalues in ascending order, the vector of each one as a row.
struct EigenSystem {
    Vector values;
    Matrix vectors;
};

/// Every eigenpair of a symmetric matrix, of which only the lower triangle is read. LAPACK's
/// divide and conquer; cost about 9 n^3 flops, memory 24 n^2 bytes.
[[nodiscard]] EigenSystem eigen_system(const Matrix& lower);

}  // namespace lipcert::estimate
