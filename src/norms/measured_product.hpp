#pragma once

#include <Eigen/Core>

/// Products for measurements, in float or double: no bound may rest on them.
namespace lipcert::blas {

template <class Number>
using Rows = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// Part of a matrix, without a copy.
template <class Number>
using Part = Eigen::Ref<const Rows<Number>, 0, Eigen::OuterStride<>>;
template <class Number>
using WritablePart = Eigen::Ref<Rows<Number>, 0, Eigen::OuterStride<>>;

/// A B + 1 b^T; no b where it is empty (else 1 x columns of B). Each thread forms rows of its own
/// with one call of the BLAS: packing B once more costs less than the meetings of OpenBLAS'
/// threads where other processes want a core.
template <class Number>
[[nodiscard]] Rows<Number> multiply_and_add(const Rows<Number>& a,
                                            const Rows<Number>& b,
                                            const Rows<Number>& row);

/// result = factor A op(B), op the transpose where `transposed`, on the calling thread, for use
/// within for_each_piece().
template <class Number>
void multiply_into(Number factor,
                   const Part<Number>& a,
                   bool transposed,
                   const Part<Number>& b,
                   WritablePart<Number> result);

}  // namespace lipcert::blas
