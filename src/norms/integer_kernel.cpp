#include "norms/integer_kernel.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <atomic>
#include <immintrin.h>

#include "norms/tile_unit.hpp"
#include "norms/vector_variants.hpp"

#define LIPCERT_TILES __attribute__((target("amx-tile,amx-int8,avx512f")))
#define LIPCERT_LONG_VECTORS __attribute__((target("avx512f,avx512dq,avx512bw")))

namespace lipcert::integer_kernel {

namespace {

using tile_unit::kBytesOfRow;
static_assert(kRows == tile_unit::kTile && kDepth == kBytesOfRow);

constexpr std::ptrdiff_t kTile = kRows * kDepth;  ///< digits of one place in a block
constexpr std::ptrdiff_t kLevel = kRows * kRows;  ///< sums of a level

using Pair = TileWalk<Digit>::Pair;

/// The first registers sum levels, kCount of them: four to six.
template <std::ptrdiff_t kCount>
LIPCERT_TILES LIPCERT_INSIDE void clear_sums() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if constexpr (kCount > 4) {
        _tile_zero(4);
    }
    if constexpr (kCount > 5) {
        _tile_zero(5);
    }
}

template <std::ptrdiff_t kCount>
LIPCERT_TILES LIPCERT_INSIDE void load_sums(const std::int32_t* sums) {
    _tile_loadd(0, sums, kBytesOfRow);
    _tile_loadd(1, sums + kLevel, kBytesOfRow);
    _tile_loadd(2, sums + 2 * kLevel, kBytesOfRow);
    _tile_loadd(3, sums + 3 * kLevel, kBytesOfRow);
    if constexpr (kCount > 4) {
        _tile_loadd(4, sums + 4 * kLevel, kBytesOfRow);
    }
    if constexpr (kCount > 5) {
        _tile_loadd(5, sums + 5 * kLevel, kBytesOfRow);
    }
}

template <std::ptrdiff_t kCount>
LIPCERT_TILES LIPCERT_INSIDE void store_sums(std::int32_t* sums) {
    _tile_stored(0, sums, kBytesOfRow);
    _tile_stored(1, sums + kLevel, kBytesOfRow);
    _tile_stored(2, sums + 2 * kLevel, kBytesOfRow);
    _tile_stored(3, sums + 3 * kLevel, kBytesOfRow);
    if constexpr (kCount > 4) {
        _tile_stored(4, sums + 4 * kLevel, kBytesOfRow);
    }
    if constexpr (kCount > 5) {
        _tile_stored(5, sums + 5 * kLevel, kBytesOfRow);
    }
}

/// Register l - 2 sums level l.
struct FourDigits {
    static constexpr Digits kDigits = Digits::four;

    LIPCERT_TILES LIPCERT_INSIDE static void load_first(const Pair& block) {
        _tile_loadd(6, block.left, kBytesOfRow);
        _tile_loadd(7, block.right, kBytesOfRow);
    }

    /// Pairs (s, t) of digits in an order in which each shares one with the pair before, and a
    /// register of sums rests for two products.
    LIPCERT_TILES LIPCERT_INSIDE static void add_block(const Pair& here, const Pair& next) {
        const Digit* const left = here.left;
        const Digit* const right = here.right;
        _tile_dpbssd(0, 6, 7);  // (1, 1)
        _tile_loadd(7, right + kTile, kBytesOfRow);
        _tile_dpbssd(1, 6, 7);  // (1, 2)
        _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
        _tile_dpbssd(2, 6, 7);  // (1, 3)
        _tile_loadd(7, right + 3 * kTile, kBytesOfRow);
        _tile_dpbssd(3, 6, 7);  // (1, 4)
        _tile_loadd(6, left + kTile, kBytesOfRow);
        _tile_dpbssd(4, 6, 7);  // (2, 4)
        _tile_loadd(7, right, kBytesOfRow);
        _tile_dpbssd(1, 6, 7);  // (2, 1)
        _tile_loadd(7, right + kTile, kBytesOfRow);
        _tile_dpbssd(2, 6, 7);  // (2, 2)
        _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
        _tile_dpbssd(3, 6, 7);  // (2, 3)
        _tile_loadd(6, left + 2 * kTile, kBytesOfRow);
        _tile_dpbssd(4, 6, 7);  // (3, 3)
        _tile_loadd(7, right, kBytesOfRow);
        _tile_dpbssd(2, 6, 7);  // (3, 1)
        _tile_loadd(7, right + 3 * kTile, kBytesOfRow);
        _tile_dpbssd(5, 6, 7);  // (3, 4)
        _tile_loadd(7, right + kTile, kBytesOfRow);
        _tile_dpbssd(3, 6, 7);  // (3, 2)
        _tile_loadd(6, left + 3 * kTile, kBytesOfRow);
        _tile_dpbssd(4, 6, 7);  // (4, 2)
        _tile_loadd(7, right + 2 * kTile, kBytesOfRow);
        _tile_dpbssd(5, 6, 7);  // (4, 3)
        _tile_loadd(7, right, kBytesOfRow);
        _tile_dpbssd(3, 6, 7);  // (4, 1)
        load_first(next);
    }
};

/// Digits are counted on from the second one; registers 0 to 4 sum levels 4, 5, 6, again 6, and 7,
/// so that none waits for a product of its own.
struct ThreeDigits {
    static constexpr Digits kDigits = Digits::three;

    LIPCERT_TILES LIPCERT_INSIDE static void load_first(const Pair& block) {
        _tile_loadd(5, block.left, kBytesOfRow);
        _tile_loadd(6, block.right, kBytesOfRow);
        _tile_loadd(7, block.right + kTile, kBytesOfRow);
    }

    LIPCERT_TILES LIPCERT_INSIDE static void add_block(const Pair& here, const Pair& next) {
        _tile_dpbssd(0, 5, 6);  // (2, 2)
        _tile_loadd(6, here.right + 2 * kTile, kBytesOfRow);
        _tile_dpbssd(1, 5, 7);  // (2, 3)
        _tile_dpbssd(2, 5, 6);  // (2, 4)
        _tile_loadd(5, here.left + kTile, kBytesOfRow);
        _tile_dpbssd(4, 5, 6);  // (3, 4)
        _tile_loadd(6, here.right, kBytesOfRow);
        _tile_dpbssd(3, 5, 7);  // (3, 3)
        _tile_dpbssd(1, 5, 6);  // (3, 2)
        _tile_loadd(5, here.left + 2 * kTile, kBytesOfRow);
        _tile_dpbssd(2, 5, 6);  // (4, 2)
        _tile_loadd(6, next.right, kBytesOfRow);
        _tile_dpbssd(4, 5, 7);  // (4, 3)
        _tile_loadd(5, next.left, kBytesOfRow);
        _tile_loadd(7, next.right + kTile, kBytesOfRow);
    }
};

/// Registers 0 to 3 sum the pairs (3, 3), (3, 4), (4, 3) and (4, 4).
struct TwoDigits {
    static constexpr Digits kDigits = Digits::two;

    LIPCERT_TILES LIPCERT_INSIDE static void load_first(const Pair& block) {
        _tile_loadd(4, block.left, kBytesOfRow);
        _tile_loadd(5, block.left + kTile, kBytesOfRow);
        _tile_loadd(6, block.right, kBytesOfRow);
        _tile_loadd(7, block.right + kTile, kBytesOfRow);
    }

    LIPCERT_TILES LIPCERT_INSIDE static void add_block(const Pair& /*here*/, const Pair& next) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_loadd(4, next.left, kBytesOfRow);
        _tile_dpbssd(2, 5, 6);
        _tile_loadd(6, next.right, kBytesOfRow);
        _tile_dpbssd(3, 5, 7);
        _tile_loadd(5, next.left + kTile, kBytesOfRow);
        _tile_loadd(7, next.right + kTile, kBytesOfRow);
    }
};

template <typename Counted>
LIPCERT_TILES void form_sums(const Product& product, std::int32_t* sums) {
    constexpr std::ptrdiff_t kBlock = packed_block(Counted::kDigits);
    constexpr std::ptrdiff_t kSums = sums_of_pair(Counted::kDigits);
    constexpr std::ptrdiff_t kCount = kSums / kLevel;
    _tile_loadconfig(&tile_unit::kFullTiles);
    TileWalk<Digit> walk(product, kBlock);
    Counted::load_first(walk.here());
    for (; !walk.is_done(); walk.advance()) {
        const Pair next = walk.next();
        auto [left, right] = walk.here();
        Prefetched left_soon = walk.left_soon();
        Prefetched right_soon = walk.right_soon();
        std::int32_t* const sums_here = sums + walk.number() * kSums;
        if (walk.is_first()) {
            clear_sums<kCount>();
        } else {
            load_sums<kCount>(sums_here);
        }
        for (std::ptrdiff_t steps = walk.steps(); steps > 0; --steps) {
            const Digit* const next_left = steps > 1 ? left + kBlock : next.left;
            const Digit* const next_right = steps > 1 ? right + kBlock : next.right;
            Counted::add_block({left, right}, {next_left, next_right});
            left_soon.fetch_some();
            right_soon.fetch_some();
            left = next_left;
            right = next_right;
        }
        store_sums<kCount>(sums_here);
    }
    _tile_release();
}

LIPCERT_LONG_VECTORS void combine_levels(const std::int32_t* sums,
                                         Digits digits,
                                         const double* row_units,
                                         const double* column_units,
                                         double* numbers) {
    // 256^(8 - l) of the last level, and of the one before.
    constexpr double kLast = 0x1p8;
    constexpr double kBeforeLast = 0x1p16;
    static_assert(kLastLevel == 7);
    for (std::ptrdiff_t i = 0; i < kRows; ++i) {
        for (std::ptrdiff_t j = 0; j < kRows; ++j) {
            const auto at = [level = sums + i * kRows + j](std::ptrdiff_t number) {
                return static_cast<std::int64_t>(level[number * kLevel]);
            };
            // Levels up to 6: an integer of 64 bits has room for them.
            std::int64_t sum = 0;
            std::int64_t last = 0;
            if (digits == Digits::two) {
                sum = (at(0) * 256 + at(1) + at(2)) * 256 + at(3);
                numbers[i * kRows + j] =
                    static_cast<double>(sum) * (row_units[i] * column_units[j]);
                continue;
            }
            if (digits == Digits::three) {
                sum = (at(0) * 256 + at(1)) * 256 + at(2) + at(3);
                last = at(4);
            } else {
                sum = (((at(0) * 256 + at(1)) * 256 + at(2)) * 256 + at(3)) * 256 + at(4);
                last = at(5);
            }
            numbers[i * kRows + j] =
                (kBeforeLast * static_cast<double>(sum) + kLast * static_cast<double>(last)) *
                (row_units[i] * column_units[j]);
        }
    }
}

}  // namespace

bool is_available() {
    static const bool result = tile_unit::multiplies(tile_unit::Numbers::int8);
    return result;
}

void multiply(const Product& product, Digits digits, std::int32_t* sums) {
    // What loads tiles does not say what it reads.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    switch (digits) {
        case Digits::two:
            form_sums<TwoDigits>(product, sums);
            break;
        case Digits::three:
            form_sums<ThreeDigits>(product, sums);
            break;
        case Digits::four:
            form_sums<FourDigits>(product, sums);
            break;
    }
}

void combine(const std::int32_t* sums,
             Digits digits,
             const double* row_units,
             const double* column_units,
             double* numbers) {
    combine_levels(sums, digits, row_units, column_units, numbers);
}

}  // namespace lipcert::integer_kernel

#else

namespace lipcert::integer_kernel {

bool is_available() {
    return false;
}

void multiply(const Product& /*product*/, Digits /*digits*/, std::int32_t* /*sums*/) {}

void combine(const std::int32_t* /*sums*/,
             Digits /*digits*/,
             const double* /*row_units*/,
             const double* /*column_units*/,
             double* /*numbers*/) {}

}  // namespace lipcert::integer_kernel

#endif
