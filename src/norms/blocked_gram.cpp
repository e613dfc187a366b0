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

template <typename M>
void square(const Operand<typename M::Scalar>& a, M& result) {
    using Number = typename M::Scalar;
    const int n = checked(result.rows());
    Routines<Number>::kSyrk(CblasRowMajor,
                            CblasLower,
                            a.first(),
                            n,
                            a.inner,
                            Number(1),
                            a.data,
                            a.leading,
                            Number(0),
                            result.data(),
                            n);
}

template <typename M>
void product(const Operand<typename M::Scalar>& a,
             const Operand<typename M::Scalar>& b,
             M& result) {
    using Number = typename M::Scalar;
    const int n = checked(result.cols());
    Routines<Number>::kGemm(CblasRowMajor,
                            a.first(),
                            b.second(),
                            checked(result.rows()),
                            n,
                            a.inner,
                            Number(1),
                            a.data,
                            a.leading,
                            b.data,
                            b.leading,
                            Number(0),
                            result.data(),
                            n);
}

/// Where a block of the lower triangle begins, and its size.
struct Block {
    Eigen::Index row, col, rows, cols;

    [[nodiscard]] bool is_diagonal() const { return row == col; }
};

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
void write(const M& part, const Block& block, Into into, M& lower) {
    const auto poison = std::numeric_limits<typename M::Scalar>::quiet_NaN();
    for (Eigen::Index i = 0; i < block.rows; ++i) {
        const Eigen::Index count = block.is_diagonal() ? i + 1 : block.cols;
        auto target = lower.row(block.row + i).segment(block.col, block.cols);
        if (into == Into::add) {
            target.head(count) += part.row(i).head(count);
        } else {
            target.head(count) = part.row(i).head(count);
            target.tail(block.cols - count).setConstant(poison);
        }
    }
    if (into == Into::overwrite && !block.is_diagonal()) {
        lower.block(block.col, block.row, block.cols, block.rows).setConstant(poison);
    }
}

template <typename M>
void gram_in_blocks(const M& panel, bool columns, Into into, M& lower) {
    using Number = typename M::Scalar;
    const Operand<Number> whole{panel.data(),
                                checked(panel.cols()),
                                checked(columns ? panel.cols() : panel.rows()),
                                columns};
    const std::vector<Block> blocks = blocks_of(columns ? panel.rows() : panel.cols());
    const auto size = static_cast<double>(lower.rows());
    const double operations = 0.5 * size * size * whole.inner;
    for_each_piece(static_cast<Eigen::Index>(blocks.size()), operations, [&](Eigen::Index piece) {
        const Block& block = blocks[static_cast<std::size_t>(piece)];
        M part = M::Constant(block.rows, block.cols, std::numeric_limits<Number>::quiet_NaN());
        if (whole.inner == 0) {
            part.setZero();
        } else if (block.is_diagonal()) {
            square(whole.from(block.row), part);
        } else {
            product(whole.from(block.row), whole.from(block.col), part);
        }
        write(part, block, into, lower);
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
