#include "norms/smaller_side.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "norms/blas.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/thin_kernel.hpp"

namespace lipcert {

namespace {

/// sums += op(A) B, op the transpose where `transposed`; rows of B and of the sums without gaps.
void add_product(const MatrixView& a,
                 bool transposed,
                 const MatrixView& b,
                 Eigen::Ref<Matrix> sums) {
    static const thin_kernel::Kernel longest = thin_kernel::kernels().front();
    const thin_kernel::Operand operand =
        transposed ? thin_kernel::Operand{a.data(), a.cols(), 1, a.rows(), a.outerStride()}
                   : thin_kernel::Operand{a.data(), a.rows(), a.outerStride(), a.cols(), 1};
    longest(operand, {b.data(), b.cols()}, sums.data());
}

/// With columns of zeros behind, as many as the kernels want.
Matrix padded(const Matrix& vectors) {
    constexpr Eigen::Index kLanes = thin_kernel::kLanes;
    Matrix result = Matrix::Zero(vectors.rows(), (vectors.cols() + kLanes - 1) / kLanes * kLanes);
    result.leftCols(vectors.cols()) = vectors;
    return result;
}

}  // namespace

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

void SmallerSide::for_each_panel(const std::function<void(const GramPanel&)>& visit) const {
    const double factor = std::ldexp(1.0, -exponent_);
    GramPanel panel;
    for (Eigen::Index begin = 0; begin < inner_; begin += GramPanel::kLength) {
        const Eigen::Index count = std::min(GramPanel::kLength, inner_ - begin);
        panel.fill(rows(begin, count), transposed_, factor);
        visit(panel);
    }
}

Matrix SmallerSide::image(const Matrix& vectors) const {
    return blas::multiply(stored_, transposed_, vectors) * std::ldexp(1.0, -exponent_);
}

SmallerSide::ImagePair SmallerSide::images(const Matrix& vectors) const {
    // Rows that are multiplied twice while a thread's cache holds them, and rows of one piece.
    constexpr Eigen::Index kCached = 0x1 << 16;
    constexpr Eigen::Index kFewest = 16;
    constexpr Eigen::Index kMost = 128;
    constexpr Eigen::Index kLongest = 1024;
    constexpr Eigen::Index kPieces = 8;
    const Eigen::Index some = std::clamp(kCached / size_, kFewest, kMost);
    const Eigen::Index length = std::clamp(inner_ / kPieces, some, kLongest);
    const Eigen::Index pieces = (inner_ + length - 1) / length;
    const double factor = std::ldexp(1.0, -exponent_);
    const Matrix v = padded(vectors);
    ImagePair result;
    resize_uninitialised(result.y, inner_, vectors.cols());
    std::vector<Matrix> parts(static_cast<std::size_t>(pieces));
    for_each_piece(pieces, 2.0 * operations_of_pass(inner_, size_), [&](Eigen::Index piece) {
        Matrix sum = Matrix::Zero(size_, v.cols());
        const Eigen::Index end = std::min((piece + 1) * length, inner_);
        for (Eigen::Index begin = piece * length; begin < end; begin += some) {
            const Eigen::Index count = std::min(some, end - begin);
            const Matrix image = image_of_rows(begin, count, v);
            add_product(rows(begin, count), !transposed_, image, sum);
            result.y.middleRows(begin, count) = image.leftCols(vectors.cols());
        }
        parts[static_cast<std::size_t>(piece)] = std::move(sum);
    });
    for (std::size_t i = 1; i < parts.size(); ++i) {
        parts[0] += parts[i];
    }
    result.z = factor * parts[0].leftCols(vectors.cols());
    return result;
}

Matrix SmallerSide::image_of_rows(Eigen::Index begin,
                                  Eigen::Index count,
                                  const Matrix& vectors) const {
    const MatrixView here = rows(begin, count);
    Matrix image = Matrix::Zero(count, vectors.cols());
    for (Eigen::Index first = 0; first < size_; first += blas::kPanelLength) {
        const Eigen::Index length = std::min(blas::kPanelLength, size_ - first);
        add_product(transposed_ ? MatrixView(here.middleRows(first, length))
                                : MatrixView(here.middleCols(first, length)),
                    transposed_,
                    vectors.middleRows(first, length),
                    image);
    }
    return image * std::ldexp(1.0, -exponent_);
}

MatrixView SmallerSide::rows(Eigen::Index begin, Eigen::Index count) const {
    return transposed_ ? MatrixView(stored_.middleCols(begin, count))
                       : MatrixView(stored_.middleRows(begin, count));
}

}  // namespace lipcert
