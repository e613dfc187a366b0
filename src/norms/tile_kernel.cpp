#include "norms/tile_kernel.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <immintrin.h>
#include <utility>

#include "norms/prefetched.hpp"
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
LIPCERT_TILES void transpose_pairs(Packed* tile) {
    std::array<std::array<std::uint32_t, kTile>, kTile> pairs;
    std::memcpy(pairs.data(), tile, sizeof pairs);
    for (std::size_t i = 0; i < kTile; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            std::swap(pairs[i][j], pairs[j][i]);
        }
    }
    std::memcpy(tile, pairs.data(), sizeof pairs);
}

/// Steps that are taken with all rows before the next ones: both factors' blocks, those of the next
/// steps and the sums fit the second cache.
constexpr std::ptrdiff_t kChunk = 8;

/// Steps of one block of each factor.
struct Steps {
    const Packed* left;
    const Packed* right;
    std::ptrdiff_t count;
    bool is_first;  ///< whether the sums start from zero
};

/// Of the two tiles of the left factor and the two of the right one, to the four of the sums.
LIPCERT_TILES LIPCERT_INSIDE void add_products() {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

LIPCERT_TILES LIPCERT_INSIDE void add_steps(const Steps& steps,
                                            Prefetched left_soon,
                                            Prefetched right_soon,
                                            float* sums) {
    if (steps.is_first) {
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
    const Packed* left = steps.left;
    const Packed* right = steps.right;
    for (std::ptrdiff_t step = 0; step < steps.count; ++step) {
        _tile_loadd(4, left, kBytesOfRow);
        _tile_loadd(5, left + kLowerRows, kBytesOfRow);
        _tile_loadd(6, right + kLesser, kBytesOfRow);
        _tile_loadd(7, right + kLowerRows + kLesser, kBytesOfRow);
        add_products();
        left_soon.fetch_some();
        _tile_loadd(6, right, kBytesOfRow);
        _tile_loadd(7, right + kLowerRows, kBytesOfRow);
        add_products();
        right_soon.fetch_some();
        _tile_loadd(4, left + kLesser, kBytesOfRow);
        _tile_loadd(5, left + kLowerRows + kLesser, kBytesOfRow);
        add_products();
        left += kPackedBlock;
        right += kPackedBlock;
    }
    _tile_stored(0, sums, kBytesOfRow);
    _tile_stored(1, sums + kSums, kBytesOfRow);
    _tile_stored(2, sums + 2 * kSums, kBytesOfRow);
    _tile_stored(3, sums + 3 * kSums, kBytesOfRow);
}

LIPCERT_TILES void form_blocks(const Product& product, float* sums) {
    const Blocks& left = product.left;
    const Blocks& right = product.right;
    _tile_loadconfig(&tile_unit::kFullTiles);
    for (std::ptrdiff_t step = 0; step < product.steps; step += kChunk) {
        const std::ptrdiff_t count = std::min(kChunk, product.steps - step);
        for (std::ptrdiff_t i = 0; i < left.rows; ++i) {
            const Packed* const row = left.first + i * left.pitch + step * kPackedBlock;
            for (std::ptrdiff_t j = 0; j < right.rows; ++j) {
                const Packed* const column = right.first + j * right.pitch + step * kPackedBlock;
                // Of what comes next in this row and in this column, a part in each other one.
                constexpr std::ptrdiff_t kNext = kChunk * kPackedBlock * sizeof(Packed);
                add_steps({row, column, count, step == 0},
                          Prefetched(row, kNext + j * kNext / right.rows),
                          Prefetched(column, kNext + i * kNext / left.rows),
                          sums + (i * right.rows + j) * kRows * kRows);
            }
        }
    }
    _tile_release();
}

}  // namespace

bool is_available() {
    static const bool result = tile_unit::multiplies(tile_unit::Numbers::bfloat16);
    return result;
}

void pack(const float* rows, std::ptrdiff_t stride, Side side, Packed* to) {
    split(rows, stride, to);
    split(rows + kTile * stride, stride, to + kLowerRows);
    if (side == Side::right) {
        for (std::ptrdiff_t tile = 0; tile < kPackedBlock; tile += kPacked) {
            transpose_pairs(to + tile);
        }
    }
}

void multiply(const Product& product, float* sums) {
    form_blocks(product, sums);
}

}  // namespace lipcert::tile_kernel

#else

namespace lipcert::tile_kernel {

bool is_available() {
    return false;
}

void pack(const float* /*rows*/, std::ptrdiff_t /*stride*/, Side /*side*/, Packed* /*to*/) {}

void multiply(const Product& /*product*/, float* /*sums*/) {}

}  // namespace lipcert::tile_kernel

#endif
