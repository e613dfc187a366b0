#include "norms/smaller_side.hpp"

#include <algorithm>
#include <cmath>

#include "norms/blas.hpp"

namespace lipcert {

SmallerSide::SmallerSide(const Matrix& stored, int exponent)
    : stored_(stored),
      transposed_(stored.rows() < stored.cols()),
      exponent_(exponent),
      size_(std::min(stored.rows(), stored.cols())),
      inner_(std::max(stored.rows(), stored.cols())) {}

void SmallerSide::for_each_panel(const Visit& visit) const {
    const double factor = std::ldexp(1.0, -exponent_);
    FloatMatrix panel;
    for (Eigen::Index begin = 0; begin < inner_; begin += blas::kPanelLength) {
        const Eigen::Index count = std::min(blas::kPanelLength, inner_ - begin);
        const MatrixView stored = transposed_ ? MatrixView(stored_.middleCols(begin, count))
                                              : MatrixView(stored_.middleRows(begin, count));
        panel = (factor * stored).cast<float>();
        visit(stored, panel, transposed_);
    }
}

Matrix SmallerSide::image(const Matrix& vectors) const {
    Matrix result(inner_, vectors.cols());
    Matrix part;
    for (Eigen::Index begin = 0; begin < size_; begin += blas::kPanelLength) {
        const Eigen::Index count = std::min(blas::kPanelLength, size_ - begin);
        const MatrixView panel = transposed_ ? MatrixView(stored_.middleRows(begin, count))
                                             : MatrixView(stored_.middleCols(begin, count));
        Matrix& target = begin == 0 ? result : part;
        target.resize(inner_, vectors.cols());
        blas::multiply(panel, transposed_, vectors.middleRows(begin, count), target);
        if (begin > 0) {
            result += part;
        }
    }
    result *= std::ldexp(1.0, -exponent_);
    return result;
}

Matrix SmallerSide::transposed_image(const Matrix& vectors) const {
    Matrix result(size_, vectors.cols());
    blas::multiply(stored_, !transposed_, vectors, result);
    result *= std::ldexp(1.0, -exponent_);
    return result;
}

}  // namespace lipcert
