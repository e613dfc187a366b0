#include "norms/gram.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "norms/blas.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/error_terms.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

TallPanels TallPanels::of_smaller_side(const Matrix& matrix, long exponent) {
    return {matrix, exponent, matrix.rows() < matrix.cols()};
}

TallPanels TallPanels::of_columns(const Matrix& matrix, long exponent) {
    return {matrix, exponent, false};
}

TallPanels TallPanels::of_rows(const Matrix& matrix, long exponent) {
    return {matrix, exponent, true};
}

Eigen::Index TallPanels::size() const {
    return transposed_ ? matrix_.rows() : matrix_.cols();
}

Eigen::Index TallPanels::inner() const {
    return transposed_ ? matrix_.cols() : matrix_.rows();
}

void TallPanels::for_each(
    const std::function<void(const Matrix& panel, bool columns)>& visit) const {
    constexpr long kOneFactor = 1000;  // 2^exponent is a double
    Matrix panel;
    for (Eigen::Index begin = 0; begin < inner(); begin += blas::kPanelLength) {
        const Eigen::Index count = std::min(blas::kPanelLength, inner() - begin);
        const MatrixView stored = transposed_ ? MatrixView(matrix_.middleCols(begin, count))
                                              : MatrixView(matrix_.middleRows(begin, count));
        resize_uninitialised(panel, stored.rows(), stored.cols());
        for_each_row_range(stored.rows(), stored.cols(), [&](Eigen::Index first, Eigen::Index end) {
            auto rows = panel.middleRows(first, end - first);
            if (std::abs(exponent_) <= kOneFactor) {
                rows = std::ldexp(1.0, -static_cast<int>(exponent_)) *
                       stored.middleRows(first, end - first);
            } else {
                rows = stored.middleRows(first, end - first);
                multiply_by_power_of_two(rows, -exponent_);
            }
        });
        visit(panel, transposed_);
    }
}

Upper TallPanels::scaling_error() const {
    // Every entry off by at most underflow_unit(): sqrt(m n) of them in the Frobenius norm. Added
    // whatever the exponent, so that enclosures of W and 2^k W agree to the last bit.
    return entrywise_underflow(matrix_.size());
}

Upper gram_error(Eigen::Index inner, Eigen::Index size, const Upper& absolute_norm_squared) {
    // [S1] |E| <= gamma_{p+P} |W|^T |W| + 10 k 2^-1022 entry by entry, so
    // |E|_2 <= gamma_{p+P} | |W| |_2^2 + 10 k n 2^-1022.
    const Upper underflow = Upper::of_count(10) * Upper::of_count(static_cast<std::size_t>(inner)) *
                            Upper::of_count(static_cast<std::size_t>(size)) * underflow_unit();
    return gamma(blas::accumulation_length(inner)) * absolute_norm_squared + underflow;
}

Gram form_gram(const TallPanels& panels) {
    const Eigen::Index n = panels.size();
    Gram gram;
    resize_uninitialised(gram.lower, n, n);
    freivalds::GramWitness witness(n);
    Lower squares_below;
    Upper squares_above;
    blas::Into into = blas::Into::overwrite;
    panels.for_each([&](const Matrix& panel, bool columns) {
        const Enclosure squares = sum_of_squares(panel);
        squares_below = squares_below + squares.lower();
        squares_above += squares.upper();
        witness.add_panel(panel, columns);
        blas::gram_of_panel(panel, columns, into, gram.lower);
        into = blas::Into::add;
    });
    freivalds::require_gram(gram.lower, witness);
    gram.sum_of_squares = {squares_below, squares_above};
    const auto roundings = static_cast<std::size_t>(n + witness.inner + witness.panel_count);
    const auto terms = static_cast<std::size_t>(n * witness.inner);
    gram.largest_absolute_row_sum =
        true_sum(witness.magnitude.maxCoeff(), roundings, 16 * terms).upper();
    // Both bound | |W| |_2^2: the trace and the largest row sum of |W|^T |W|.
    gram.error = gram_error(panels.inner(), n, min(squares_above, gram.largest_absolute_row_sum));
    return gram;
}

}  // namespace lipcert
