#include "norms/blocked_gram.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "norms/blas_routines.hpp"
#include "norms/parallel.hpp"

namespace lipcert::blas {

namespace {

/// A block is formed aside and should stay in the cache until it is added; a smaller one spends
/// more of its time on rearranging its operands for the kernels (a quarter at 512, a tenth here).
constexpr Eigen::Index kLargestBlock = 1024;
/// From here on two blocks a side give two threads the same work: two triangles and a square.
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

/// The dear ones, off the diagonal, first.
std::vector<Block> blocks_of(Eigen::Index size) {
    const Eigen::Index least = size >= kSmallestSplit ? 2 : 1;
    const Eigen::Index count = std::max((size + kLargestBlock - 1) / kLargestBlock, least);
    const Eigen::Index side = (size + count - 1) / count;
    const auto length = [&](Eigen::Index begin) { return std::min(side, size - begin); };
    std::vector<Block> blocks;
    for (Eigen::Index row = 0; row < size; row += side) {
        for (Eigen::Index col = 0; col < row; col += side) {
            blocks.push_back({row, col, length(row), length(col)});
        }
    }
    for (Eigen::Index row = 0; row < size; row += side) {
        blocks.push_back({row, row, length(row), length(row)});
    }
    return blocks;
}

template <typename M>
void add(const M& part, const Block& block, M& lower) {
    for (Eigen::Index i = 0; i < block.rows; ++i) {
        const Eigen::Index count = block.is_diagonal() ? i + 1 : block.cols;
        lower.row(block.row + i).segment(block.col, count) += part.row(i).head(count);
    }
}

template <typename M>
void gram_in_blocks(const M& panel, bool columns, Into into, M& lower) {
    using Number = typename M::Scalar;
    constexpr Number kPoison = std::numeric_limits<Number>::quiet_NaN();
    const Operand<Number> whole{panel.data(),
                                checked(panel.cols()),
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

void gram_of_panel(const Matrix& panel, bool columns, Into into, Matrix& lower) {
    gram_in_blocks(panel, columns, into, lower);
}

void gram_of_panel(const FloatMatrix& panel, bool columns, Into into, FloatMatrix& lower) {
    gram_in_blocks(panel, columns, into, lower);
}

}  // namespace lipcert::blas
