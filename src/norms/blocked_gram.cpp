#include "norms/blocked_gram.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "norms/blas_routines.hpp"
#include "norms/parallel.hpp"

namespace lipcert::blas {

namespace {

/// The largest triangle that one call forms, and the width of the largest rectangle: smaller ones
/// spend more of their time on rearranging operands for the kernels, larger ones are too few for
/// several threads.
constexpr Eigen::Index kLargestBlock = 1024;
/// From here on two triangles and a square give two threads the same work.
constexpr Eigen::Index kSmallestSplit = 64;

/// The panel from a row (column) of the result on.
template <typename Number>
struct Operand {
    const Number* data;
    int leading;
    int inner;
    bool columns;

    [[nodiscard]] Operand from(Eigen::Index begin) const {
        return {data + (columns ? begin * leading : begin), leading, inner, columns};
    }

    [[nodiscard]] CBLAS_TRANSPOSE first() const { return columns ? CblasNoTrans : CblasTrans; }

    [[nodiscard]] CBLAS_TRANSPOSE second() const { return columns ? CblasTrans : CblasNoTrans; }
};

/// Where a product goes.
template <typename Number>
struct Target {
    Number* data;
    int leading;
};

template <typename Number>
void square(const Operand<Number>& a, Eigen::Index size, const Target<Number>& target) {
    Routines<Number>::kSyrk(CblasRowMajor,
                            CblasLower,
                            a.first(),
                            checked(size),
                            a.inner,
                            Number(1),
                            a.data,
                            a.leading,
                            Number(0),
                            target.data,
                            target.leading);
}

/// Where a block of the lower triangle begins, and its size.
struct Block {
    Eigen::Index row, col, rows, cols;

    [[nodiscard]] bool is_diagonal() const { return row == col; }

    /// For each row of the panel.
    [[nodiscard]] Eigen::Index multiply_adds() const {
        return is_diagonal() ? rows * (cols + 1) / 2 : rows * cols;
    }
};

template <typename Number>
void product(const Operand<Number>& whole, const Block& block, const Target<Number>& target) {
    const Operand<Number> a = whole.from(block.row);
    const Operand<Number> b = whole.from(block.col);
    Routines<Number>::kGemm(CblasRowMajor,
                            a.first(),
                            b.second(),
                            checked(block.rows),
                            checked(block.cols),
                            a.inner,
                            Number(1),
                            a.data,
                            a.leading,
                            b.data,
                            b.leading,
                            Number(0),
                            target.data,
                            target.leading);
}

/// The block of P^T P in place of what is at the target.
template <typename Number>
void form(const Operand<Number>& whole, const Block& block, const Target<Number>& target) {
    if (block.is_diagonal()) {
        square(whole.from(block.row), block.rows, target);
    } else {
        product(whole, block, target);
    }
}

/// Two triangles and the rectangle between them, in strips; triangles again as long as they are
/// large.
void split_triangle(Eigen::Index begin, Eigen::Index size, std::vector<Block>& blocks) {
    const Eigen::Index half = size / 2;
    for (Eigen::Index col = 0; col < half; col += kLargestBlock) {
        const Eigen::Index width = std::min(kLargestBlock, half - col);
        blocks.push_back({begin + half, begin + col, size - half, width});
    }
    for (const auto& [first, count] :
         {std::pair(begin, half), std::pair(begin + half, size - half)}) {
        if (count > kLargestBlock) {
            split_triangle(first, count, blocks);
        } else {
            blocks.push_back({first, first, count, count});
        }
    }
}

/// The dear ones first, so that threads end together.
std::vector<Block> blocks_of(Eigen::Index size) {
    std::vector<Block> blocks;
    if (size < kSmallestSplit) {
        return {{0, 0, size, size}};
    }
    split_triangle(0, size, blocks);
    std::stable_sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
        return a.multiply_adds() > b.multiply_adds();
    });
    return blocks;
}

template <typename M>
void add(const M& part, const Block& block, M& lower) {
    for (Eigen::Index i = 0; i < block.rows; ++i) {
        const Eigen::Index count = block.is_diagonal() ? i + 1 : block.cols;
        lower.row(block.row + i).segment(block.col, count) += part.row(i).head(count);
    }
}

template <typename P, typename M>
void gram_in_blocks(const P& panel, bool columns, Into into, M& lower) {
    using Number = typename M::Scalar;
    constexpr Number kPoison = std::numeric_limits<Number>::quiet_NaN();
    const Operand<Number> whole{panel.data(),
                                checked(panel.outerStride()),
                                checked(columns ? panel.cols() : panel.rows()),
                                columns};
    if (into == Into::overwrite) {
        const bool is_empty = whole.inner == 0;
        for_each_row_range(lower.rows(), lower.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            lower.middleRows(begin, end - begin).setConstant(is_empty ? Number(0) : kPoison);
        });
    }
    if (whole.inner == 0) {
        return;
    }
    const std::vector<Block> blocks = blocks_of(lower.rows());
    const auto size = static_cast<double>(lower.rows());
    const double operations = 0.5 * size * size * whole.inner;
    for_each_piece(static_cast<Eigen::Index>(blocks.size()), operations, [&](Eigen::Index piece) {
        const Block& block = blocks[static_cast<std::size_t>(piece)];
        if (into == Into::overwrite) {
            form(whole, block, {&lower(block.row, block.col), checked(lower.cols())});
            return;
        }
        M part = M::Constant(block.rows, block.cols, kPoison);
        form(whole, block, {part.data(), checked(part.cols())});
        add(part, block, lower);
    });
}

}  // namespace

void gram_of_panel(const MatrixView& panel, bool columns, Into into, Matrix& lower) {
    gram_in_blocks(panel, columns, into, lower);
}

void gram_of_panel(const FloatMatrix& panel, bool columns, Into into, FloatMatrix& lower) {
    gram_in_blocks(panel, columns, into, lower);
}

}  // namespace lipcert::blas
