#include "norms/tile_unit.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own header leaves lanes undefined that are not used, and warns of it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LIPCERT_TILES __attribute__((target("amx-tile,amx-int8,avx512f")))
#define LIPCERT_AVX512 __attribute__((target("avx512f")))

namespace lipcert::integer {

namespace {

using Index = std::ptrdiff_t;

/// The operand of LDTILECFG (Intel SDM, volume 2): all eight tiles with 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// The sums of one pair of slices.
struct alignas(64) Level {
    std::int32_t sums[kSide * kSide];
};

/// Tiles 0-3 += the tiles of two slices, over all steps.
LIPCERT_TILES void add_in_tiles(const std::int8_t* left, const std::int8_t* right, int steps) {
    for (Index step = 0; step < steps; ++step) {
        _tile_loadd(4, left, kStep);
        _tile_loadd(5, left + kTile, kStep);
        _tile_loadd(6, right, kStep);
        _tile_loadd(7, right + kTile, kStep);
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
        left += kStepBytes;
        right += kStepBytes;
    }
}

LIPCERT_TILES void take_tiles(Level& level) {
    constexpr Index kRowBytes = kSide * 4;
    _tile_stored(0, level.sums, kRowBytes);
    _tile_stored(1, level.sums + kHalf, kRowBytes);
    _tile_stored(2, level.sums + kHalf * kSide, kRowBytes);
    _tile_stored(3, level.sums + kHalf * kSide + kHalf, kRowBytes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

LIPCERT_AVX512 __m512d doubles(const std::int32_t* integers) {
    return _mm512_cvtepi32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(integers)));
}

/// 65536 high + 256 middle + low, every step exact.
LIPCERT_AVX512 void combine(const Level& high,
                            const Level& middle,
                            const Level& low,
                            double* product) {
    const __m512d byte = _mm512_set1_pd(256.0);
    constexpr Index kLanes = 8;
    for (Index i = 0; i < kSide * kSide; i += kLanes) {
        const __m512d upper =
            _mm512_add_pd(_mm512_mul_pd(doubles(high.sums + i), byte), doubles(middle.sums + i));
        _mm512_storeu_pd(product + i,
                         _mm512_add_pd(_mm512_mul_pd(upper, byte), doubles(low.sums + i)));
    }
}

LIPCERT_TILES void multiply(const std::int8_t* left,
                            const std::int8_t* right,
                            int steps,
                            double* product) {
    const TileConfiguration configuration;
    _tile_loadconfig(&configuration);
    Level high;
    Level middle;
    Level low;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    add_in_tiles(left, right, steps);
    take_tiles(high);
    add_in_tiles(left, right + kToLowBytes, steps);
    add_in_tiles(left + kToLowBytes, right, steps);
    take_tiles(middle);
    add_in_tiles(left + kToLowBytes, right + kToLowBytes, steps);
    take_tiles(low);
    _tile_release();
    combine(high, middle, low, product);
}

LIPCERT_AVX512 void add(const double* product, const Target& target) {
    constexpr Index kLanes = 8;
    float* numbers = target.numbers;
    for (Index i = 0; i < kSide; ++i) {
        const __m512d row_unit = _mm512_set1_pd(target.row_units[i]);
        for (Index j = 0; j < kSide; j += kLanes) {
            const __m512d unit = _mm512_mul_pd(row_unit, _mm512_loadu_pd(target.col_units + j));
            const __m512d value = _mm512_mul_pd(_mm512_loadu_pd(product + j), unit);
            const __m512d before = _mm512_cvtps_pd(_mm256_loadu_ps(numbers + j));
            _mm256_storeu_ps(numbers + j, _mm512_cvtpd_ps(_mm512_add_pd(before, value)));
        }
        product += kSide;
        numbers += target.row_step;
    }
}

/// Eight numbers as integers; the squares of what they lose are added.
LIPCERT_AVX512 __m256i rounded(__m512d numbers, __m512d& lost) {
    const __m256i integers = _mm512_cvtpd_epi32(numbers);
    const __m512d rest = _mm512_sub_pd(numbers, _mm512_cvtepi32_pd(integers));
    lost = _mm512_add_pd(lost, _mm512_mul_pd(rest, rest));
    return integers;
}

LIPCERT_AVX512 __m512i joined(__m256i first, __m256i second) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

/// The high parts: value = 256 high + low with low in [-128, 127].
LIPCERT_AVX512 __m512i high_parts(__m512i values) {
    return _mm512_srai_epi32(_mm512_add_epi32(values, _mm512_set1_epi32(128)), 8);
}

/// Rows are contiguous: four of them make a word for each column.
LIPCERT_AVX512 void round_rows(const Strip& strip, const Tiles& tiles) {
    const __m512d first_units = _mm512_loadu_pd(strip.per_unit);
    const __m512d last_units = _mm512_loadu_pd(strip.per_unit + 8);
    __m512d first_lost = _mm512_loadu_pd(strip.lost);
    __m512d last_lost = _mm512_loadu_pd(strip.lost + 8);
    const __m512i byte = _mm512_set1_epi32(0xff);
    const double* row = strip.data;
    for (Index group = 0; group < kHalf; ++group) {
        __m512i high = _mm512_setzero_si512();
        __m512i low = _mm512_setzero_si512();
        for (int i = 0; i < 4; ++i) {
            const __m512i values =
                joined(rounded(_mm512_mul_pd(_mm512_loadu_pd(row), first_units), first_lost),
                       rounded(_mm512_mul_pd(_mm512_loadu_pd(row + 8), last_units), last_lost));
            const __m128i shift = _mm_cvtsi32_si128(8 * i);
            low = _mm512_or_si512(low, _mm512_sll_epi32(_mm512_and_si512(values, byte), shift));
            high = _mm512_or_si512(
                high, _mm512_sll_epi32(_mm512_and_si512(high_parts(values), byte), shift));
            row += strip.row_step;
        }
        _mm512_storeu_si512(tiles.right + group * kStep, high);
        _mm512_storeu_si512(tiles.right + kToLowBytes + group * kStep, low);
    }
    _mm512_storeu_pd(strip.lost, first_lost);
    _mm512_storeu_pd(strip.lost + 8, last_lost);
    transpose_words(tiles.right, tiles.left);
    transpose_words(tiles.right + kToLowBytes, tiles.left + kToLowBytes);
}

/// Columns are contiguous.
LIPCERT_AVX512 void round_columns(const Strip& strip, const Tiles& tiles) {
    for (Index col = 0; col < kHalf; ++col) {
        const double* numbers = strip.data + col * strip.col_step;
        const __m512d unit = _mm512_set1_pd(strip.per_unit[col]);
        __m512d lost = _mm512_setzero_pd();
        for (Index i = 0; i < kStep; i += kHalf) {
            const __m512i values =
                joined(rounded(_mm512_mul_pd(_mm512_loadu_pd(numbers + i), unit), lost),
                       rounded(_mm512_mul_pd(_mm512_loadu_pd(numbers + i + 8), unit), lost));
            std::int8_t* const place = tiles.left + col * kStep + i;
            _mm_storeu_si128(reinterpret_cast<__m128i*>(place),
                             _mm512_cvtepi32_epi8(high_parts(values)));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(place + kToLowBytes),
                             _mm512_cvtepi32_epi8(values));
        }
        strip.lost[col] += _mm512_reduce_add_pd(lost);
    }
    transpose_words(tiles.left, tiles.right);
    transpose_words(tiles.left + kToLowBytes, tiles.right + kToLowBytes);
}

void round(const Strip& strip, const Tiles& tiles) {
    if (strip.col_step == 1) {
        round_rows(strip, tiles);
    } else if (strip.row_step == 1) {
        round_columns(strip, tiles);
    } else {
        round_strip(strip, kStep, kHalf, tiles);
    }
}

constexpr Kernel kTiles{&multiply, &add, &round};

__attribute__((target("xsave"))) bool system_keeps(unsigned long long state) {
    return (static_cast<unsigned long long>(_xgetbv(0)) & state) == state;
}

/// The processor has the units, the system saves their registers, and lets this process use them.
bool may_use() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned kSaves = 1U << 27U;          // OSXSAVE
    constexpr unsigned long long kState = 0x600e6;  // SSE, AVX, AVX-512, tiles
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSaves) == 0 || !system_keeps(kState)) {
        return false;
    }
    constexpr unsigned kFoundation = 1U << 16U;    // AVX512F, in EBX
    constexpr unsigned kTilesOfBytes = 3U << 24U;  // AMX-TILE and AMX-INT8, in EDX
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & kFoundation) == 0 ||
        (d & kTilesOfBytes) != kTilesOfBytes) {
        return false;
    }
    constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM, Linux 5.16
    constexpr long kTileData = 18;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

const Kernel* tile_unit() {
    return may_use() ? &kTiles : nullptr;
}

}  // namespace lipcert::integer

#else

namespace lipcert::integer {

const Kernel* tile_unit() {
    return nullptr;
}

}  // namespace lipcert::integer

#endif
