#include "norms/gram_panel.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "norms/gram_kernel.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/row_kernel.hpp"

namespace lipcert {

namespace {

using Eigen::Index;
using gram_kernel::kLanes;
using gram_kernel::kStrip;

/// Of a part of the Gram matrix.
constexpr Index kMostRows = 384;

constexpr Index rounded_up(Index number, Index step) {
    return (number + step - 1) / step * step;
}

/// Where a part begins, and how many rows it has: multiples of kLanes. It has kStrip columns.
struct Piece {
    Index row;
    Index rows;
    Index column;
};

/// The parts of a lower triangle, the dear ones of equal rows first.
std::vector<Piece> pieces_of(Index size) {
    std::vector<Piece> pieces;
    for (Index end = rounded_up(size, kStrip); end > 0;) {
        const Index begin = (end - 1) / kMostRows * kMostRows;
        for (Index column = 0; column < end; column += kStrip) {
            const Index row = std::max(begin, column);
            pieces.push_back({row, end - row, column});
        }
        end = begin;
    }
    return pieces;
}

void put(const Piece& piece, const float* sums, GramPanel::Into into, FloatMatrix& lower) {
    const Index end = std::min<Index>(piece.row + piece.rows, lower.rows());
    for (Index i = piece.row; i < end; ++i, sums += kStrip) {
        const Index count = std::min<Index>(kStrip, i + 1 - piece.column);
        const Eigen::Map<const Eigen::RowVectorXf> row(sums, count);
        auto target = lower.row(i).segment(piece.column, count);
        if (into == GramPanel::Into::add) {
            target += row;
        } else {
            target = row;
        }
    }
}

}  // namespace

std::size_t GramPanel::roundings(Index inner) {
    return static_cast<std::size_t>(gram_kernel::roundings(std::min(inner, kLength)));
}

void GramPanel::fill(const MatrixView& stored, bool columns, double factor) {
    depth_ = columns ? stored.cols() : stored.rows();
    columns_ = columns ? stored.rows() : stored.cols();
    squares_.resize(stored.rows());
    make_room();
    if (columns) {
        fill_columns(stored, factor);
    } else {
        fill_rows(stored, factor);
    }
}

float* GramPanel::block_of(Index column) const {
    return blocks_ + column * depth_;
}

void GramPanel::make_room() {
    const Index padded = rounded_up(columns_, kStrip);
    // The room may begin at any number, the blocks are to begin at a cache line.
    if (room_.size() < padded * depth_ + kLanes) {
        resize_uninitialised(room_, 1, padded * depth_ + kLanes);
    }
    void* begin = room_.data();
    auto bytes = static_cast<std::size_t>(room_.size()) * sizeof(float);
    blocks_ = static_cast<float*>(std::align(gram_kernel::kAlignment, 1, begin, bytes));
    const Index first = columns_ / kLanes * kLanes;
    std::fill_n(block_of(first), (padded - first) * depth_, 0.0F);
}

void GramPanel::fill_rows(const MatrixView& stored, double factor) {
    for_each_row_range(depth_, columns_, [&](Index first, Index end) {
        for (Index k = first; k < end; ++k) {
            squares_(k) = row_kernel::longest().round(
                stored.row(k).data(), columns_, factor, {blocks_ + k * kLanes, depth_ * kLanes});
        }
    });
}

void GramPanel::fill_columns(const MatrixView& stored, double factor) {
    const Index blocks = rounded_up(columns_, kLanes) / kLanes;
    for_each_piece(blocks, operations_of_pass(depth_, columns_), [&](Index block) {
        const Index first = block * kLanes;
        const auto rows = stored.middleRows(first, std::min(kLanes, columns_ - first));
        Eigen::Map<FloatMatrix, 0, Eigen::OuterStride<>>(
            block_of(first), depth_, rows.rows(), Eigen::OuterStride<>(kLanes)) =
            (factor * rows).transpose().cast<float>();
        squares_.segment(first, rows.rows()) = rows.rowwise().squaredNorm();
    });
}

void GramPanel::add_gram(Into into, FloatMatrix& lower) const {
    const std::vector<Piece> pieces = pieces_of(columns_);
    const auto size = static_cast<double>(columns_);
    const double operations = 0.5 * size * size * static_cast<double>(depth_);
    for_each_piece(static_cast<Index>(pieces.size()), operations, [&](Index index) {
        const Piece& piece = pieces[static_cast<std::size_t>(index)];
        alignas(gram_kernel::kAlignment) float sums[kMostRows * kStrip];
        const Index stride = depth_ * kLanes;
        gram_kernel::multiply(
            {{block_of(piece.row), stride}, piece.rows, {block_of(piece.column), stride}, depth_},
            sums);
        put(piece, sums, into, lower);
    });
}

}  // namespace lipcert
