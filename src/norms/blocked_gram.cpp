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
struct Operand {
    const double* data;
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
struct Target {
    double* data;
    int leading;
};

void square(const Operand& a, Eigen::Index size, const Target& target) {
    cblas_dsyrk(CblasRowMajor,
                CblasLower,
                a.first(),
                checked(size),
                a.inner,
                1.0,
                a.data,
                a.leading,
                0.0,
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

void product(const Operand& whole, const Block& block, const Target& target) {
    const Operand a = whole.from(block.row);
    const Operand b = whole.from(block.col);
    cblas_dgemm(CblasRowMajor,
                a.first(),
                b.second(),
                checked(block.rows),
                checked(block.cols),
                a.inner,
                1.0,
                a.data,
                a.leading,
                b.data,
                b.leading,
                0.0,
                target.data,
                target.leading);
}

/// The block of P^T P in place of what is at the target.
void form(const Operand& whole, const Block& block, const Target& target) {
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

void add(const Matrix& part, const Block& block, Matrix& lower) {
    for (Eigen::Index i = 0; i < block.rows; ++i) {
        const Eigen::Index count = block.is_diagonal() ? i + 1 : block.cols;
        lower.row(block.row + i).segment(block.col, count) += part.row(i).head(count);
    }
}

}  // namespace

void gram_of_panel(const MatrixView& panel, bool columns, Into into, Matrix& lower) {
    constexpr double kPoison = std::numeric_limits<double>::quiet_NaN();
    const Operand whole{panel.data(),
                        checked(panel.outerStride()),
                        checked(columns ? panel.cols() : panel.rows()),
                        columns};
    if (into == Into::overwrite) {
        const bool is_empty = whole.inner == 0;
        for_each_row_range(lower.rows(), lower.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            lower.middleRows(begin, end - begin).setConstant(is_empty ? 0.0 : kPoison);
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
        Matrix part = Matrix::Constant(block.rows, block.cols, kPoison);
        form(whole, block, {part.data(), checked(part.cols())});
        add(part, block, lower);
    });
}

}  // namespace lipcert::blas
