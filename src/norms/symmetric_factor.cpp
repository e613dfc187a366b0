#include "norms/symmetric_factor.hpp"

#include <algorithm>

#include "norms/large_matrix.hpp"
#include "norms/measured_product.hpp"
#include "norms/parallel.hpp"
#include "norms/triangular.hpp"

namespace lipcert::estimate {

namespace {

using Eigen::Index;
using tile_kernel::kDepth;
using tile_kernel::kPackedBlock;
using tile_kernel::kRows;
using tile_kernel::Packed;

/// Blocks of a result that a thread forms at a time, each way.
constexpr Index kBlocks = 8;

constexpr Index blocks_of(Index count, Index length) {
    return (count + length - 1) / length;
}

/// A part of a result, in blocks.
struct Window {
    Index row;
    Index column;
    Index rows;
    Index columns;
};

void copy_sums(const float* sums, const Window& window, FloatMatrix& result) {
    constexpr Index kRun = kRows / 2;  // that stay together
    for (Index i = 0; i < window.rows * kRows; ++i) {
        const Index row = window.row * kRows + i;
        for (Index j = 0; j < window.columns * kRows; j += kRun) {
            const Index column = window.column * kRows + j;
            const Index count = std::min(kRun, result.cols() - column);
            if (row < result.rows() && count > 0) {
                const Index block = i / kRows * window.columns + j / kRows;
                const float* const from =
                    sums + block * kRows * kRows + tile_kernel::place_of(i % kRows, j % kRows);
                std::copy_n(from, count, &result(row, column));
            }
        }
    }
}

/// L R^T within the window.
void multiply_tiles(const PackedRows& left,
                    const PackedRows& right,
                    const Window& window,
                    FloatMatrix& result) {
    const TileArray<float> sums(window.rows * window.columns * kRows * kRows);
    tile_kernel::multiply({{left.row(window.row), left.pitch(), window.rows},
                           {right.row(window.column), right.pitch(), window.columns},
                           blocks_of(result.cols(), kDepth)},
                          sums.get());
    copy_sums(sums.get(), window, result);
}

void multiply_vectors(const FloatMatrix& left,
                      const FloatMatrix& right,
                      const Window& window,
                      FloatMatrix& result) {
    const Index row = window.row * kRows;
    const Index column = window.column * kRows;
    const Index rows = std::min(window.rows * kRows, result.rows() - row);
    const Index columns = std::min(window.columns * kRows, result.cols() - column);
    blas::WritablePart<float> to = result.block(row, column, rows, columns);
    blas::multiply_into<float>(
        1, left.middleRows(row, rows), true, right.middleRows(column, columns), to);
}

}  // namespace

void PackedRows::assign(const FloatMatrix& matrix, tile_kernel::Side side) {
    const Index rows = blocks_of(matrix.rows(), kRows);
    steps_ = blocks_of(matrix.cols(), kDepth);
    if (rows * pitch() > capacity_) {
        capacity_ = rows * pitch();
        memory_ = {};  // before there is more of it
        memory_ = TileArray<Packed>(capacity_);
        prefer_huge_pages(memory_.get(), static_cast<std::size_t>(capacity_) * sizeof(Packed));
    }
    for_each_piece(rows, operations_of_pass(matrix.rows(), matrix.cols()), [&](Index row) {
        const Index count = std::min(kRows, matrix.rows() - row * kRows);
        for (Index step = 0; step < steps_; ++step) {
            Packed* const to = this->row(row) + step * kPackedBlock;
            const Index depth = std::min(kDepth, matrix.cols() - step * kDepth);
            if (count == kRows && depth == kDepth) {
                tile_kernel::pack(&matrix(row * kRows, step * kDepth), matrix.cols(), side, to);
            } else {
                Eigen::Matrix<float, kRows, kDepth, Eigen::RowMajor> padded;
                padded.setZero();
                padded.topLeftCorner(count, depth) =
                    matrix.block(row * kRows, step * kDepth, count, depth);
                tile_kernel::pack(padded.data(), kDepth, side, to);
            }
        }
    });
}

SymmetricFactor::Unit SymmetricFactor::fastest_unit() {
    return tile_kernel::is_available() ? Unit::tiles : Unit::vectors;
}

double SymmetricFactor::cost(Unit unit) {
    return unit == Unit::tiles ? 0.3e-11 : 0.67e-11;
}

SymmetricFactor::SymmetricFactor(Unit unit)
    : unit_(tile_kernel::is_available() ? unit : Unit::vectors) {}

void SymmetricFactor::assign(const FloatMatrix& matrix) {
    size_ = matrix.rows();
    if (unit_ == Unit::tiles) {
        packed_.assign(matrix, tile_kernel::Side::right);
    } else {
        matrix_ = matrix;
    }
}

void SymmetricFactor::times_rows(const FloatMatrix& rows, FloatMatrix& result) {
    multiply(rows, Part::all, result);
}

void SymmetricFactor::times_commuting(const FloatMatrix& symmetric, FloatMatrix& result) {
    multiply(symmetric, Part::lower, result);
    mirror_above(result);
}

void SymmetricFactor::multiply(const FloatMatrix& rows, Part part, FloatMatrix& result) {
    resize_uninitialised(result, rows.rows(), size_);
    if (unit_ == Unit::tiles) {
        rows_.assign(rows, tile_kernel::Side::left);
    }
    const Index row_blocks = blocks_of(rows.rows(), kRows);
    const Index column_blocks = blocks_of(size_, kRows);
    const Index columns = blocks_of(column_blocks, kBlocks);
    const double operations = static_cast<double>(rows.size()) * static_cast<double>(size_);
    for_each_piece(blocks_of(row_blocks, kBlocks) * columns, operations, [&](Index piece) {
        const Index row = piece / columns * kBlocks;
        const Index column = piece % columns * kBlocks;
        if (part == Part::lower && column > row) {
            return;
        }
        const Window window{row,
                            column,
                            std::min(kBlocks, row_blocks - row),
                            std::min(kBlocks, column_blocks - column)};
        if (unit_ == Unit::tiles) {
            multiply_tiles(rows_, packed_, window, result);
        } else {
            multiply_vectors(rows, matrix_, window, result);
        }
    });
}

}  // namespace lipcert::estimate
