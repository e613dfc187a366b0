#include "norms/tiled_cholesky.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "norms/factor_kernel.hpp"
#include "norms/gram_kernel.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"

namespace lipcert {

namespace {

using Eigen::Index;
using factor_kernel::kSide;
using gram_kernel::kLanes;

/// Column by column.
struct alignas(gram_kernel::kAlignment) Tile {
    float entries[kSide * kSide];
};

/// Rows of L as the columns of a panel that gram_kernel multiplies: kSide of them in blocks of
/// kLanes, each as long as the lower triangle has columns in these rows.
class PackedRows {
public:
    explicit PackedRows(Index size) {
        const Index strips = (size + kSide - 1) / kSide;
        const Index numbers = begin_of(strips) + kLanes;
        resize_uninitialised(room_, 1, numbers);
        void* begin = room_.data();
        auto bytes = static_cast<std::size_t>(numbers) * sizeof(float);
        numbers_ = static_cast<float*>(std::align(gram_kernel::kAlignment, 1, begin, bytes));
    }

    [[nodiscard]] gram_kernel::Columns strip(Index index) const {
        return {numbers_ + begin_of(index), stride_of(index)};
    }

    /// kSide columns of a strip.
    void write(Index index, Index column, const Tile& tile) {
        const float* from = tile.entries;
        for (Index k = column; k < column + kSide; ++k) {
            for (Index block = 0; block < kSide / kLanes; ++block, from += kLanes) {
                float* const to = numbers_ + begin_of(index) + block * stride_of(index);
                std::copy_n(from, kLanes, to + k * kLanes);
            }
        }
    }

private:
    static Index stride_of(Index strip) { return strip * kSide * kLanes; }

    static Index begin_of(Index strip) { return kSide * kSide * strip * (strip - 1) / 2; }

    FloatMatrix room_;
    float* numbers_ = nullptr;
};

class TiledFactor {
public:
    explicit TiledFactor(FloatMatrix& lower)
        : lower_(lower),
          strips_((lower.rows() + kSide - 1) / kSide),
          packed_(lower.rows()),
          diagonal_(static_cast<std::size_t>(strips_)),
          done_(static_cast<std::size_t>(strips_)) {
        for (Index column = 0; column < strips_; ++column) {
            for (Index row = column; row < strips_; ++row) {
                tiles_.emplace_back(row, column);
            }
        }
    }

    Index run() {
        const auto size = static_cast<double>(lower_.rows());
        for_each_piece(static_cast<Index>(tiles_.size()), size * size * size / 6.0, [&](Index i) {
            const auto& [row, column] = tiles_[static_cast<std::size_t>(i)];
            try {
                finish(row, column);
            } catch (...) {
                is_stopped_ = true;  // else others would wait for this tile
                throw;
            }
        });
        return failed_;
    }

private:
    struct Diagonal {
        Tile factor;
        float reciprocals[kSide];
    };

    /// Tiles are taken column by column, so that those that this one waits for are being worked on.
    void finish(Index row, Index column) {
        if (!wait_for(row, column) || !wait_for(column, column)) {
            return;
        }
        Tile tile;
        read(row, column, tile);
        if (column > 0) {
            Tile before;  // a row of the product for each column of the tile
            gram_kernel::multiply(
                {packed_.strip(column), kSide, packed_.strip(row), column * kSide}, before.entries);
            for (Index i = 0; i < kSide * kSide; ++i) {
                tile.entries[i] -= before.entries[i];
            }
        }
        Diagonal& diagonal = diagonal_[static_cast<std::size_t>(column)];
        if (row == column) {
            diagonal.factor = tile;
            const Index failed = kernels_.factorise(diagonal.factor.entries, diagonal.reciprocals);
            if (failed != 0) {
                failed_ = column * kSide + failed;
                is_stopped_ = true;
                return;
            }
            write(row, column, diagonal.factor);
        } else {
            if (!wait_for(column, column + 1)) {
                return;
            }
            kernels_.solve(diagonal.factor.entries, diagonal.reciprocals, tile.entries);
            packed_.write(row, column * kSide, tile);
            write(row, column, tile);
        }
        done_[static_cast<std::size_t>(row)].store(column + 1, std::memory_order_release);
    }

    /// Until so many tiles of a row are finished; false where none will be any more.
    bool wait_for(Index row, Index count) {
        const std::atomic<Index>& done = done_[static_cast<std::size_t>(row)];
        for (unsigned look = 0; done.load(std::memory_order_acquire) < count; ++look) {
            if (is_stopped_) {
                return false;
            }
            wait_briefly(look);
        }
        return true;
    }

    void read(Index row, Index column, Tile& tile) const {
        const Index rows = std::min(kSide, lower_.rows() - row * kSide);
        const Index columns = std::min(kSide, lower_.rows() - column * kSide);
        if (rows < kSide || columns < kSide) {  // the identity beyond the matrix
            std::fill_n(tile.entries, kSide * kSide, 0.0F);
            for (Index i = 0; row == column && i < kSide; ++i) {
                tile.entries[i * kSide + i] = 1.0F;
            }
        }
        const float* from = lower_.data() + row * kSide * lower_.cols() + column * kSide;
        if (rows == kSide && columns == kSide) {
            kernels_.read(from, lower_.cols(), tile.entries);
            return;
        }
        for (Index i = 0; i < rows; ++i, from += lower_.cols()) {
            for (Index j = 0; j < columns; ++j) {
                tile.entries[j * kSide + i] = from[j];
            }
        }
    }

    void write(Index row, Index column, const Tile& tile) {
        const Index rows = std::min(kSide, lower_.rows() - row * kSide);
        float* to = lower_.data() + row * kSide * lower_.cols() + column * kSide;
        if (row > column && rows == kSide) {
            kernels_.write(tile.entries, lower_.cols(), to);
            return;
        }
        for (Index i = 0; i < rows; ++i, to += lower_.cols()) {
            for (Index j = 0; j < (row == column ? i + 1 : kSide); ++j) {
                to[j] = tile.entries[j * kSide + i];
            }
        }
    }

    FloatMatrix& lower_;
    Index strips_;
    PackedRows packed_;
    std::vector<Diagonal> diagonal_;
    std::vector<std::atomic<Index>> done_;  ///< how many tiles of each row are finished
    std::vector<std::pair<Index, Index>> tiles_;
    std::atomic<bool> is_stopped_ = false;
    std::atomic<Index> failed_ = 0;  ///< the pivot, counted from 1
    const factor_kernel::Kernels& kernels_ = factor_kernel::longest();
};

}  // namespace

Index cholesky(FloatMatrix& lower) {
    return TiledFactor(lower).run();
}

std::size_t tiled_cholesky_roundings(Index size) {
    return static_cast<std::size_t>(
        std::min(size, std::max(gram_kernel::roundings(size), kSide) + 1));
}

}  // namespace lipcert
