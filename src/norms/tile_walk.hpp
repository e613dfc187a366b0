#pragma once

#include <algorithm>
#include <cstddef>

#include "norms/prefetched.hpp"
#include "norms/vector_variants.hpp"

namespace lipcert {

/// Packed rows of a factor, in units of what a kernel multiplies at a time: blocks of the same rows
/// follow each other; the next rows are `pitch` numbers further on.
template <typename Number>
struct PackedBlocks {
    const Number* first;
    std::ptrdiff_t pitch;
    std::ptrdiff_t rows;
};

/// L R^T, `steps` blocks deep; where `is_lower`, only the rows of R that are not beyond that of L.
template <typename Number>
struct PackedProduct {
    PackedBlocks<Number> left;
    PackedBlocks<Number> right;
    std::ptrdiff_t steps;
    bool is_lower = false;
};

/// The order in which a kernel forms a product, whose sums do not fit the registers of a tile unit:
/// some steps of all pairs of rows, then the next ones. Those steps of a row of L stay in the first
/// cache, all of them and of the next ones in the second.
template <typename Number>
class TileWalk {
public:
    /// Where the blocks of a pair of rows are.
    struct Pair {
        const Number* left;
        const Number* right;
    };

    /// `block`: numbers of a block.
    LIPCERT_INSIDE TileWalk(const PackedProduct<Number>& product, std::ptrdiff_t block)
        : product_(product), block_(block) {}

    [[nodiscard]] LIPCERT_INSIDE bool is_done() const { return begin_ >= product_.steps; }

    /// Those that are multiplied now: how many, whether they are the first ones, and of which pair,
    /// counted row by row with those that are left out.
    [[nodiscard]] LIPCERT_INSIDE Pair here() const { return pair_at(begin_, row_, column_); }

    [[nodiscard]] LIPCERT_INSIDE std::ptrdiff_t steps() const {
        return std::min(kChunk, product_.steps - begin_);
    }

    [[nodiscard]] LIPCERT_INSIDE bool is_first() const { return begin_ == 0; }

    [[nodiscard]] LIPCERT_INSIDE std::ptrdiff_t number() const {
        return row_ * product_.right.rows + column_;
    }

    /// Those that come next, or at the end any.
    [[nodiscard]] LIPCERT_INSIDE Pair next() const {
        if (column_ + 1 < columns()) {
            return pair_at(begin_, row_, column_ + 1);
        }
        if (row_ + 1 < product_.left.rows) {
            return pair_at(begin_, row_ + 1, 0);
        }
        return pair_at(begin_ + kChunk < product_.steps ? begin_ + kChunk : 0, 0, 0);
    }

    LIPCERT_INSIDE void advance() {
        if (++column_ < columns()) {
            return;
        }
        column_ = 0;
        if (++row_ == product_.left.rows) {
            row_ = 0;
            begin_ += kChunk;
        }
    }

    /// Of what comes next in this row and in this column, a part with each of the others.
    [[nodiscard]] LIPCERT_INSIDE Prefetched left_soon() const {
        return {here().left, bytes_of_chunk() + column_ * bytes_of_chunk() / product_.right.rows};
    }

    [[nodiscard]] LIPCERT_INSIDE Prefetched right_soon() const {
        return {here().right, bytes_of_chunk() + row_ * bytes_of_chunk() / product_.left.rows};
    }

private:
    static constexpr std::ptrdiff_t kChunk = 4;

    [[nodiscard]] LIPCERT_INSIDE std::ptrdiff_t columns() const {
        return product_.is_lower ? row_ + 1 : product_.right.rows;
    }

    [[nodiscard]] LIPCERT_INSIDE std::ptrdiff_t bytes_of_chunk() const {
        return kChunk * block_ * static_cast<std::ptrdiff_t>(sizeof(Number));
    }

    [[nodiscard]] LIPCERT_INSIDE Pair pair_at(std::ptrdiff_t step,
                                              std::ptrdiff_t row,
                                              std::ptrdiff_t column) const {
        return {product_.left.first + row * product_.left.pitch + step * block_,
                product_.right.first + column * product_.right.pitch + step * block_};
    }

    const PackedProduct<Number>& product_;
    std::ptrdiff_t block_;
    std::ptrdiff_t begin_ = 0;  ///< steps before these
    std::ptrdiff_t row_ = 0;
    std::ptrdiff_t column_ = 0;
};

}  // namespace lipcert
