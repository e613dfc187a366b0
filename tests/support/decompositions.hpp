#pragma once

#include "lipcert/tensor/matrix.hpp"

/// Eigen's decompositions, as oracles to about 1e-14 of the norm that share no code with the
/// library's norms; in one place because each takes long to compile.
namespace lipcert::test {

/// U diag(values) V^T, the values in falling order; U and V have as many columns as there are.
struct SingularValues {
    Matrix u;
    Vector values;
    Matrix v;
};

/// By Jacobi rotations.
[[nodiscard]] SingularValues singular_values(const Matrix& matrix);
[[nodiscard]] double largest_singular_value(const Matrix& matrix);

/// Of a symmetric matrix, in rising order.
[[nodiscard]] Vector eigenvalues(const Matrix& symmetric);

/// An orthonormal basis of the columns of a matrix with no more columns than rows.
[[nodiscard]] Matrix orthonormal_basis(const Matrix& matrix);

}  // namespace lipcert::test
