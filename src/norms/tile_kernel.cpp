#include "norms/tile_kernel.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <atomic>
#include <bit>
#include <cstring>
#include <immintrin.h>

#include "norms/square.hpp"
#include "norms/tile_unit.hpp"
#include "norms/vector_variants.hpp"

#define LIPCERT_TILES __attribute__((target("amx-tile,amx-bf16,avx512f")))

namespace lipcert::tile_kernel {

namespace {

using tile_unit::kBytesOfRow;
using tile_unit::kTile;

constexpr std::ptrdiff_t kPacked = kTile * kDepth;  ///< numbers of bfloat16 in a tile
constexpr std::ptrdiff_t kSums = kTile * kTile;
/// A packed block: the upper and the lower kTile rows, of each the greater parts and the lesser.
constexpr std::ptrdiff_t kLesser = kPacked;
constexpr std::ptrdiff_t kLowerRows = 2 * kPacked;

/// The nearest number of bfloat16: the upper half of one of float32.
LIPCERT_INSIDE std::uint32_t nearest(float number) {
    const auto bits = std::bit_cast<std::uint32_t>(number);
    const std::uint32_t is_odd = bits >> 16U & 1U;
    return (bits + 0x7fffU + is_odd) >> 16U;
}

LIPCERT_INSIDE float as_float(std::uint32_t bfloat16) {
    return std::bit_cast<float>(bfloat16 << 16U);
}

/// A tile of a left factor, and that of the lesser parts.
LIPCERT_TILES void split(const float* rows, std::ptrdiff_t stride, Packed* to) {
    for (std::ptrdiff_t row = 0; row < kTile; ++row) {
        for (std::ptrdiff_t i = 0; i < kDepth; ++i) {
            const float number = rows[row * stride + i];
            const std::uint32_t greater = nearest(number);
            to[row * kDepth + i] = static_cast<Packed>(greater);
            to[kLesser + row * kDepth + i] =
                static_cast<Packed>(nearest(number - as_float(greater)));
        }
    }
}

/// A tile of a right factor holds pairs of numbers of a column in its rows: that of a left factor
/// transposed, each pair as one.
LIPCERT_TILES void transpose_pairs(const Packed* tile, Packed* to) {
    square::Vector<std::uint32_t> pairs[kTile];
    std::memcpy(pairs, tile, sizeof pairs);
    square::transpose<std::uint32_t>(pairs);
    std::memcpy(to, pairs, sizeof pairs);
}

/// The first tiles that a block is multiplied by.
LIPCERT_TILES LIPCERT_INSIDE void load_first(const TileWalk<Packed>::Pair& block) {
    _tile_loadd(4, block.left, kBytesOfRow);
    _tile_loadd(5, block.left + kLowerRows, kBytesOfRow);
    _tile_loadd(6, block.right + kLesser, kBytesOfRow);
    _tile_loadd(7, block.right + kLowerRows + kLesser, kBytesOfRow);
}

/// The greater parts by the lesser, both greater ones, the lesser by the greater. A register is
/// loaded again right after its last use, while the next products do without it.
LIPCERT_TILES LIPCERT_INSIDE void add_block(const TileWalk<Packed>::Pair& here,
                                            const TileWalk<Packed>::Pair& next) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(6, here.right, kBytesOfRow);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(7, here.right + kLowerRows, kBytesOfRow);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(4, here.left + kLesser, kBytesOfRow);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(5, here.left + kLowerRows + kLesser, kBytesOfRow);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(6, next.right + kLesser, kBytesOfRow);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(4, next.left, kBytesOfRow);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(5, next.left + kLowerRows, kBytesOfRow);
    _tile_loadd(7, next.right + kLowerRows + kLesser, kBytesOfRow);
}

LIPCERT_TILES LIPCERT_INSIDE void begin_sums(const float* sums, bool is_first) {
    if (is_first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, sums, kBytesOfRow);
        _tile_loadd(1, sums + kSums, kBytesOfRow);
        _tile_loadd(2, sums + 2 * kSums, kBytesOfRow);
        _tile_loadd(3, sums + 3 * kSums, kBytesOfRow);
    }
}

LIPCERT_TILES LIPCERT_INSIDE void end_sums(float* sums) {
    _tile_stored(0, sums, kBytesOfRow);
    _tile_stored(1, sums + kSums, kBytesOfRow);
    _tile_stored(2, sums + 2 * kSums, kBytesOfRow);
    _tile_stored(3, sums + 3 * kSums, kBytesOfRow);
}

LIPCERT_TILES void form_blocks(const Product& product, float* sums) {
    _tile_loadconfig(&tile_unit::kFullTiles);
    TileWalk<Packed> walk(product, kPackedBlock);
    load_first(walk.here());
    for (; !walk.is_done(); walk.advance()) {
        const TileWalk<Packed>::Pair next = walk.next();
        auto [left, right] = walk.here();
        Prefetched left_soon = walk.left_soon();
        Prefetched right_soon = walk.right_soon();
        float* const sums_here = sums + walk.number() * kRows * kRows;
        begin_sums(sums_here, walk.is_first());
        for (std::ptrdiff_t steps = walk.steps(); steps > 0; --steps) {
            const Packed* const next_left = steps > 1 ? left + kPackedBlock : next.left;
            const Packed* const next_right = steps > 1 ? right + kPackedBlock : next.right;
            add_block({left, right}, {next_left, next_right});
            left_soon.fetch_some();
            right_soon.fetch_some();
            left = next_left;
            right = next_right;
        }
        end_sums(sums_here);
    }
    _tile_release();
}

LIPCERT_TILES void put_rows(const float* quarter, std::ptrdiff_t stride, float* to) {
    for (std::ptrdiff_t i = 0; i < kTile; ++i) {
        std::memcpy(to + i * stride, quarter + i * kTile, kBytesOfRow);
    }
}

LIPCERT_TILES void put_columns(const float* quarter, std::ptrdiff_t stride, float* to) {
    square::Vector<float> rows[kTile];
    std::memcpy(rows, quarter, sizeof rows);
    square::write<float>(rows, stride, to);
}

}  // namespace

bool is_available() {
    static const bool result = tile_unit::multiplies(tile_unit::Numbers::bfloat16);
    return result;
}

void pack(const float* rows, std::ptrdiff_t stride, Packed* left, Packed* right) {
    Packed* const to = left != nullptr ? left : right;
    split(rows, stride, to);
    split(rows + kTile * stride, stride, to + kLowerRows);
    if (right != nullptr) {
        for (std::ptrdiff_t tile = 0; tile < kPackedBlock; tile += kPacked) {
            transpose_pairs(to + tile, right + tile);
        }
    }
}

void multiply(const Product& product, float* sums) {
    // What loads tiles does not say what it reads.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    form_blocks(product, sums);
}

void put(const float* quarter, std::ptrdiff_t stride, float* to) {
    put_rows(quarter, stride, to);
}

void put_transposed(const float* quarter, std::ptrdiff_t stride, float* to) {
    put_columns(quarter, stride, to);
}

}  // namespace lipcert::tile_kernel

#else

namespace lipcert::tile_kernel {

bool is_available() {
    return false;
}

void pack(const float* /*rows*/, std::ptrdiff_t /*stride*/, Packed* /*left*/, Packed* /*right*/) {}

void multiply(const Product& /*product*/, float* /*sums*/) {}

void put(const float* /*quarter*/, std::ptrdiff_t /*stride*/, float* /*to*/) {}

void put_transposed(const float* /*quarter*/, std::ptrdiff_t /*stride*/, float* /*to*/) {}

}  // namespace lipcert::tile_kernel

#endif
