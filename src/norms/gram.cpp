#include "norms/gram.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <limits>

#include "norms/blas.hpp"
#include "norms/error_terms.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

TallPanels TallPanels::of_smaller_side(const Matrix& matrix, long exponent) {
    return {matrix, exponent, matrix.rows() < matrix.cols()};
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

void TallPanels::for_each(const std::function<void(const Matrix&)>& visit) const {
    Matrix panel;
    for (Eigen::Index begin = 0; begin < inner(); begin += blas::kPanelLength) {
        const Eigen::Index count = std::min(blas::kPanelLength, inner() - begin);
        if (transposed_) {
            panel = matrix_.middleCols(begin, count).transpose();
        } else {
            panel = matrix_.middleRows(begin, count);
        }
        multiply_by_power_of_two(panel, -exponent_);
        visit(panel);
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
    const double poison = std::numeric_limits<double>::quiet_NaN();
    Gram gram;
    gram.lower = Matrix::Constant(n, n, poison);
    Matrix part;
    freivalds::GramWitness witness(n);
    Lower squares_below;
    Upper squares_above;
    bool first = true;
    panels.for_each([&](const Matrix& panel) {
        const Enclosure squares = sum_of_squares(panel);
        squares_below = squares_below + squares.lower();
        squares_above += squares.upper();
        witness.add_panel(panel);
        if (first) {
            blas::gram_of_panel(panel, gram.lower);
        } else {
            part.setConstant(n, n, poison);
            blas::gram_of_panel(panel, part);
            gram.lower.triangularView<Eigen::Lower>() += part;
        }
        first = false;
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
