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
using tile_kernel::kQuarter;
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

/// A quarter of a block of sums into the result, with its first entry at (row, column): all of it,
/// or of a symmetric one what lies below the diagonal and its mirror image.
void put(const float* quarter, Index row, Index column, bool is_mirrored, FloatMatrix& result) {
    const Index rows = std::min(kQuarter, result.rows() - row);
    const Index columns = std::min(kQuarter, result.cols() - column);
    const bool is_on_diagonal = is_mirrored && row == column;
    if (rows == kQuarter && columns == kQuarter && !is_on_diagonal) {
        tile_kernel::put(quarter, result.cols(), &result(row, column));
        if (is_mirrored) {
            tile_kernel::put_transposed(quarter, result.cols(), &result(column, row));
        }
        return;
    }
    for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < (is_on_diagonal ? i + 1 : columns); ++j) {
            const float number = quarter[i * kQuarter + j];
            result(row + i, column + j) = number;
            if (is_mirrored) {
                result(column + j, row + i) = number;
            }
        }
    }
}

void put_sums(const float* sums, const Window& window, bool is_mirrored, FloatMatrix& result) {
    for (Index i = 0; i < 2 * window.rows; ++i) {
        for (Index j = 0; j < 2 * window.columns; ++j) {
            const Index row = window.row * kRows + i * kQuarter;
            const Index column = window.column * kRows + j * kQuarter;
            if (is_mirrored && column > row) {
                break;
            }
            const Index block = i / 2 * window.columns + j / 2;
            const Index place = block * kRows * kRows + tile_kernel::place_of(i % 2, j % 2);
            put(sums + place, row, column, is_mirrored, result);
        }
    }
}

/// L R^T within the window.
void multiply_tiles(const PackedRows& left,
                    const PackedRows& right,
                    const Window& window,
                    bool is_mirrored,
                    FloatMatrix& result) {
    const TileArray<float> sums(window.rows * window.columns * kRows * kRows);
    tile_kernel::multiply({{left.row(window.row), left.pitch(), window.rows},
                           {right.row(window.column), right.pitch(), window.columns},
                           blocks_of(result.cols(), kDepth),
                           is_mirrored && window.row == window.column},
                          sums.get());
    put_sums(sums.get(), window, is_mirrored, result);
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

void PackedRows::make_room(const FloatMatrix& matrix) {
    const Index rows = blocks_of(matrix.rows(), kRows);
    steps_ = blocks_of(matrix.cols(), kDepth);
    if (rows * pitch() > capacity_) {
        capacity_ = rows * pitch();
        memory_ = {};  // before there is more of it
        memory_ = TileArray<Packed>(capacity_);
        prefer_huge_pages(memory_.get(), static_cast<std::size_t>(capacity_) * sizeof(Packed));
    }
}

namespace {

/// Packs a matrix as the left factor, the right one, or both.
void pack(const FloatMatrix& matrix, PackedRows* left, PackedRows* right) {
    for (PackedRows* packed : {left, right}) {
        if (packed != nullptr) {
            packed->make_room(matrix);
        }
    }
    const Index steps = blocks_of(matrix.cols(), kDepth);
    const auto place = [](const PackedRows* packed, Index row, Index step) {
        return packed != nullptr ? packed->row(row) + step * kPackedBlock : nullptr;
    };
    const double operations = operations_of_pass(matrix.rows(), matrix.cols());
    for_each_piece(blocks_of(matrix.rows(), kRows), operations, [&](Index row) {
        const Index count = std::min(kRows, matrix.rows() - row * kRows);
        for (Index step = 0; step < steps; ++step) {
            Packed* const to_left = place(left, row, step);
            Packed* const to_right = place(right, row, step);
            const Index depth = std::min(kDepth, matrix.cols() - step * kDepth);
            if (count == kRows && depth == kDepth) {
                const float* const first = &matrix(row * kRows, step * kDepth);
                tile_kernel::pack(first, matrix.cols(), to_left, to_right);
            } else {
                Eigen::Matrix<float, kRows, kDepth, Eigen::RowMajor> padded;
                padded.setZero();
                padded.topLeftCorner(count, depth) =
                    matrix.block(row * kRows, step * kDepth, count, depth);
                tile_kernel::pack(padded.data(), kDepth, to_left, to_right);
            }
        }
    });
}

}  // namespace

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
        pack(matrix, nullptr, &packed_);
    } else {
        matrix_ = matrix;
    }
}

void SymmetricFactor::times_rows(const FloatMatrix& rows, FloatMatrix& result) {
    if (unit_ == Unit::tiles) {
        pack(rows, &rows_, nullptr);
    }
    multiply(rows, Part::all, result);
}

void SymmetricFactor::times_commuting(const FloatMatrix& symmetric, FloatMatrix& result) {
    if (unit_ == Unit::tiles) {
        pack(symmetric, &rows_, nullptr);
    }
    multiply(symmetric, Part::lower, result);
}

void SymmetricFactor::square(const FloatMatrix& symmetric, FloatMatrix& result) {
    if (unit_ == Unit::tiles) {
        size_ = symmetric.rows();
        pack(symmetric, &rows_, &packed_);
    } else {
        assign(symmetric);
    }
    multiply(symmetric, Part::lower, result);
}

void SymmetricFactor::multiply(const FloatMatrix& rows, Part part, FloatMatrix& result) {
    resize_uninitialised(result, rows.rows(), size_);
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
            multiply_tiles(rows_, packed_, window, part == Part::lower, result);
        } else {
            multiply_vectors(rows, matrix_, window, result);
        }
    });
    if (part == Part::lower && unit_ == Unit::vectors) {
        mirror_above(result);
    }
}

}  // namespace lipcert::estimate
