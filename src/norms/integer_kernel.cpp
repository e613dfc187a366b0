#include "norms/integer_kernel.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#define LIPCERT_HAS_TILES 1
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lipcert::integer {

namespace {

using Index = std::ptrdiff_t;

constexpr Index kRows = 16;   // of a tile
constexpr Index kBytes = 64;  // of a row of a tile
constexpr Index kWord = 4;

/// One pair of slices of two operands, 0 the high bytes and 1 the low ones.
struct Level {
    const std::int8_t* left;
    const std::int8_t* right;
    int left_slice;
    int right_slice;
};

/// Where the tile of a slice (0 high, 1 low) and a half (rows 0-15, 16-31) begins.
const std::int8_t* tile(const std::int8_t* operand, Index step, Index slice, Index half) {
    return operand + step * kStepBytes + (2 * slice + half) * kTile;
}

void add_product(const std::int8_t* left, const std::int8_t* right, std::int32_t* sums) {
    for (Index i = 0; i < kRows; ++i) {
        for (Index j = 0; j < kRows; ++j) {
            std::int32_t sum = 0;
            for (Index k = 0; k < kBytes; ++k) {
                sum += left[i * kBytes + k] * right[k / kWord * kBytes + j * kWord + k % kWord];
            }
            sums[i * kSide + j] += sum;
        }
    }
}

/// All four tiles of a block.
void add_level(const Level& level, int steps, std::int32_t* sums) {
    for (Index step = 0; step < steps; ++step) {
        for (Index i = 0; i < 2; ++i) {
            for (Index j = 0; j < 2; ++j) {
                add_product(tile(level.left, step, level.left_slice, i),
                            tile(level.right, step, level.right_slice, j),
                            sums + i * kRows * kSide + j * kRows);
            }
        }
    }
}

#ifdef LIPCERT_HAS_TILES

/// The operand of LDTILECFG (Intel SDM, volume 2): all eight tiles with 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

#define LIPCERT_TILES __attribute__((target("amx-tile,amx-int8")))

/// Tiles 0-3 += left slice times right slice, over all steps.
LIPCERT_TILES void add_in_tiles(const Level& level, int steps) {
    for (Index step = 0; step < steps; ++step) {
        _tile_loadd(4, tile(level.left, step, level.left_slice, 0), kBytes);
        _tile_loadd(5, tile(level.left, step, level.left_slice, 1), kBytes);
        _tile_loadd(6, tile(level.right, step, level.right_slice, 0), kBytes);
        _tile_loadd(7, tile(level.right, step, level.right_slice, 1), kBytes);
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
}

LIPCERT_TILES void clear_tiles() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

LIPCERT_TILES void store_tiles(std::int32_t* sums) {
    constexpr Index kRowBytes = kSide * kWord;
    _tile_stored(0, sums, kRowBytes);
    _tile_stored(1, sums + kRows, kRowBytes);
    _tile_stored(2, sums + kRows * kSide, kRowBytes);
    _tile_stored(3, sums + kRows * kSide + kRows, kRowBytes);
}

LIPCERT_TILES void multiply_in_tiles(const std::int8_t* left,
                                     const std::int8_t* right,
                                     int steps,
                                     Block& block) {
    const TileConfiguration configuration;
    _tile_loadconfig(&configuration);
    clear_tiles();
    add_in_tiles({left, right, 0, 0}, steps);
    store_tiles(block.high);
    clear_tiles();
    add_in_tiles({left, right, 0, 1}, steps);
    add_in_tiles({left, right, 1, 0}, steps);
    store_tiles(block.middle);
    clear_tiles();
    add_in_tiles({left, right, 1, 1}, steps);
    store_tiles(block.low);
    _tile_release();
}

__attribute__((target("xsave"))) bool system_keeps_tiles() {
    constexpr unsigned long long kTileState = 3ULL << 17U;
    return (static_cast<unsigned long long>(_xgetbv(0)) & kTileState) == kTileState;
}

/// The processor has the unit, the system saves its registers, and lets this process use them.
bool may_use_tiles() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kSaves = 1U << 27U;  // OSXSAVE
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSaves) == 0 || !system_keeps_tiles()) {
        return false;
    }
    constexpr unsigned kTilesOfBytes = 3U << 24U;  // AMX-TILE and AMX-INT8
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kTilesOfBytes) != kTilesOfBytes) {
        return false;
    }
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM, Linux 5.16
    constexpr long kTileData = 18;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

/// Bytes from a linear congruence, every value among them.
void fill(std::int8_t* bytes, std::size_t count, std::uint32_t state) {
    for (std::size_t i = 0; i < count; ++i) {
        state = state * 1664525U + 1013904223U;
        bytes[i] = static_cast<std::int8_t>(static_cast<int>(state >> 24U) - 128);
    }
}

bool reproduces_portable_kernel() {
    constexpr int kSteps = 3;
    alignas(64) std::int8_t left[kSteps * kStepBytes];
    alignas(64) std::int8_t right[kSteps * kStepBytes];
    fill(left, sizeof left, 1);
    fill(right, sizeof right, 2);
    Block expected;
    Block found;
    multiply_portably(left, right, kSteps, expected);
    multiply_in_tiles(left, right, kSteps, found);
    return std::memcmp(&expected, &found, sizeof expected) == 0;
}

#endif

}  // namespace

void transpose_words(const std::int8_t* left, std::int8_t* right) {
    for (Index i = 0; i < kRows; ++i) {
        for (Index word = 0; word < kRows; ++word) {
            std::memcpy(right + word * kBytes + i * kWord, left + i * kBytes + word * kWord, kWord);
        }
    }
}

void multiply_portably(const std::int8_t* left, const std::int8_t* right, int steps, Block& block) {
    block = {};
    add_level({left, right, 0, 0}, steps, block.high);
    add_level({left, right, 0, 1}, steps, block.middle);
    add_level({left, right, 1, 0}, steps, block.middle);
    add_level({left, right, 1, 1}, steps, block.low);
}

Kernel fast_kernel() {
#ifdef LIPCERT_HAS_TILES
    static const bool usable = may_use_tiles() && reproduces_portable_kernel();
    return usable ? &multiply_in_tiles : nullptr;
#else
    return nullptr;
#endif
}

}  // namespace lipcert::integer
