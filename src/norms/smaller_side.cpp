#include "norms/smaller_side.hpp"

#include <algorithm>
#include <cmath>

#include "norms/blas.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"

namespace lipcert {

SmallerSide::SmallerSide(const Matrix& stored, int exponent)
    : SmallerSide(stored, exponent, stored.rows() < stored.cols()) {}

SmallerSide::SmallerSide(const MatrixView& stored, int exponent, bool transposed)
    : stored_(stored),
      transposed_(transposed),
      exponent_(exponent),
      size_(transposed ? stored.rows() : stored.cols()),
      inner_(transposed ? stored.cols() : stored.rows()) {}

SmallerSide SmallerSide::sample(Eigen::Index count) const {
    count = std::min(count, inner_);
    if (transposed_) {
        return {stored_.middleCols((inner_ - count) / 2, count), exponent_, true};
    }
    const Eigen::OuterStride<> apart(inner_ / count * stored_.outerStride());
    const Eigen::Map<const Matrix, 0, Eigen::OuterStride<>> rows(
        stored_.data(), count, size_, apart);
    return {rows, exponent_, false};
}

void SmallerSide::for_each_panel(Eigen::Index length,
                                 const std::function<void(const Panel&)>& visit) const {
    const double factor = std::ldexp(1.0, -exponent_);
    Panel panel;
    panel.columns = transposed_;
    for (Eigen::Index begin = 0; begin < inner_; begin += length) {
        const Eigen::Index count = std::min(length, inner_ - begin);
        const MatrixView stored = transposed_ ? MatrixView(stored_.middleCols(begin, count))
                                              : MatrixView(stored_.middleRows(begin, count));
        resize_uninitialised(panel.rows, stored.rows(), stored.cols());
        panel.squares.resize(stored.rows());
        for_each_row_range(stored.rows(), stored.cols(), [&](Eigen::Index first, Eigen::Index end) {
            for (Eigen::Index i = first; i < end; ++i) {
                panel.rows.row(i) = (factor * stored.row(i)).cast<float>();
                panel.squares(i) = stored.row(i).squaredNorm();
            }
        });
        visit(panel);
    }
}

Matrix SmallerSide::image(const Matrix& vectors) const {
    return blas::multiply(stored_, transposed_, vectors) * std::ldexp(1.0, -exponent_);
}

Matrix SmallerSide::transposed_image(const Matrix& vectors) const {
    return blas::multiply(stored_, !transposed_, vectors) * std::ldexp(1.0, -exponent_);
}

Matrix SmallerSide::gram_image(const Matrix& vectors) const {
    return transposed_image(image(vectors));
}

}  // namespace lipcert
