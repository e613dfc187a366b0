#include "norms/gram.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "norms/blas.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/error_terms.hpp"
#include "norms/freivalds.hpp"
#include "norms/large_matrix.hpp"
#include "norms/panel_sums.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

namespace {

/// 2^-2 unit times a lower triangle: exact, but for underflow.
void scale_lower(Matrix& lower, int unit) {
    if (unit == 0) {
        return;
    }
    const double factor = std::ldexp(1.0, -2 * unit);
    for_each_row(
        lower.rows(), lower.cols(), [&](Eigen::Index i) { lower.row(i).head(i + 1) *= factor; });
}

}  // namespace

TallPanels::TallPanels(const Matrix& matrix, long exponent, bool transposed)
    : stored_(matrix), transposed_(transposed) {
    if (std::abs(exponent) <= SmallerSide::kLargestExponent) {
        unit_ = static_cast<int>(exponent);
    } else {
        scaled_ = matrix;
        multiply_by_power_of_two(*scaled_, -exponent);
    }
}

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
    return transposed_ ? stored_.rows() : stored_.cols();
}

Eigen::Index TallPanels::inner() const {
    return transposed_ ? stored_.cols() : stored_.rows();
}

void TallPanels::for_each(
    const std::function<void(const MatrixView& panel, bool columns)>& visit) const {
    const Matrix& matrix = scaled_ ? *scaled_ : stored_;
    for (Eigen::Index begin = 0; begin < inner(); begin += blas::kGramLength) {
        const Eigen::Index count = std::min(blas::kGramLength, inner() - begin);
        visit(transposed_ ? MatrixView(matrix.middleCols(begin, count))
                          : MatrixView(matrix.middleRows(begin, count)),
              transposed_);
    }
}

Upper TallPanels::scaling_error() const {
    // Every entry off by at most underflow_unit(): sqrt(m n) of them in the Frobenius norm. Added
    // whatever the exponent, so that what is proved of W and of 2^k W agrees to the last bit.
    return entrywise_underflow(stored_.size());
}

Upper gram_error(Eigen::Index inner, Eigen::Index size, const Upper& absolute_norm_squared) {
    // [S1] |E| <= gamma_{p+P} |W|^T |W| + a entry by entry, so |E|_2 <= gamma_{p+P} | |W| |_2^2 + n
    // a.
    const Upper underflow =
        Upper::of_count(static_cast<std::size_t>(size)) * Upper::exact(SmallerSide::kUnderflow);
    return gamma(blas::gram_accumulation_length(inner)) * absolute_norm_squared + underflow;
}

Gram form_gram(const TallPanels& panels) {
    const Eigen::Index n = panels.size();
    Gram gram;
    resize_uninitialised(gram.lower, n, n);
    PanelSums sums(n);
    blas::Into into = blas::Into::overwrite;
    panels.for_each([&](const MatrixView& panel, bool columns) {
        sums.add(panel, columns);
        blas::gram_of_panel(panel, columns, into, gram.lower);
        into = blas::Into::add;
    });
    scale_lower(gram.lower, panels.unit());
    sums.scale(panels.unit());
    freivalds::require_gram(gram.lower, sums.witness());
    gram.sum_of_squares = sums.sum_of_squares();
    gram.largest_absolute_row_sum = sums.largest_absolute_row_sum();
    // Both bound | |W| |_2^2: the trace and the largest row sum of |W|^T |W|.
    const Upper& trace = gram.sum_of_squares.upper();
    gram.error = gram_error(panels.inner(), n, min(trace, gram.largest_absolute_row_sum));
    gram.frobenius_error = gram_error(panels.inner(), n, trace);
    return gram;
}

}  // namespace lipcert
