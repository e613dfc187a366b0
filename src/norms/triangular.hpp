#pragma once

#include "lipcert/tensor/matrix.hpp"

#include "norms/float_matrix.hpp"

namespace lipcert {

/// Side by side.
using FourVectors = Eigen::Matrix<double, Eigen::Dynamic, 4, Eigen::RowMajor>;

/// Products and solves with the lower triangle of a matrix, what stands above it ignored, in loops
/// of our own: self-checks hold the BLAS against them. Products of large triangles are formed on
/// several threads, with the same result on any number of them; each is the sum of its terms in
/// some order.

/// A X for the symmetric matrix A with this lower triangle.
[[nodiscard]] Vector symmetric_product(const Matrix& lower, const Vector& x);
[[nodiscard]] FourVectors symmetric_product(const Matrix& lower, const FourVectors& x);
[[nodiscard]] Eigen::VectorXf symmetric_product(const FloatMatrix& lower, const Eigen::VectorXf& x);

/// x := (L L^T)^-1 x.
void solve_with_factor(const Matrix& lower, Vector& x);

/// x := L_k^-T x, L_k the leading block of x.size() rows.
void solve_transposed_leading_block(const Matrix& lower, Vector& x);

/// |L| (|L|^T x).
[[nodiscard]] Vector absolute_gram_product(const Matrix& lower, const Vector& x);
[[nodiscard]] Eigen::VectorXf absolute_gram_product(const FloatMatrix& lower,
                                                    const Eigen::VectorXf& x);

/// L (L^T X).
[[nodiscard]] FourVectors gram_product(const Matrix& lower, const FourVectors& x);
[[nodiscard]] Eigen::VectorXf gram_product(const FloatMatrix& lower, const Eigen::VectorXf& x);

/// Copies what stands below the diagonal to its mirror image above it, or back.
void mirror_above(Matrix& matrix);
void mirror_above(FloatMatrix& matrix);
void mirror_below(Matrix& matrix);

/// Puts NaN above the diagonal, so that a stray read shows.
void poison_above(Matrix& matrix);
void poison_above(FloatMatrix& matrix);

/// Rounded to float32; what stands above the diagonal is not written.
[[nodiscard]] FloatMatrix lower_in_float32(const Matrix& lower);

/// The lower triangle of level I - A in place of that of A.
void subtract_from_level(Matrix& lower, double level);
void subtract_from_level(FloatMatrix& lower, float level);

}  // namespace lipcert
