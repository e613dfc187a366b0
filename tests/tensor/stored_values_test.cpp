#include "lipcert/tensor/stored_values.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mpfr.h>
#include <optional>
#include <span>
#include <vector>

#include "support/random.hpp"
#include "support/thrown.hpp"
#include "tensor/element_bits.hpp"
#include <doctest/doctest.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using lipcert::DataType;
using lipcert::encode;
using lipcert::Matrix;
using lipcert::StoredValues;
using lipcert::test::Random;
using lipcert::test::repetitions;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The parameters of IEEE 754 table 3.5: binary16, binary32, and bfloat16 by the same rule.
struct Format {
    DataType type;
    int precision;
    int largest_exponent;
};

constexpr std::array<Format, 3> kFormats{
    {{DataType::float16, 11, 15}, {DataType::bfloat16, 8, 127}, {DataType::float32, 24, 127}}};

/// `value` rounded once to the nearest number of the format by MPFR, which knows nothing of how
/// patterns are built; infinity where it overflows.
double nearest(const Format& format, double value) {
    const mpfr_exp_t usual_least = mpfr_get_emin();
    const mpfr_exp_t usual_largest = mpfr_get_emax();
    // MPFR writes numbers as 0.1...b x 2^e.
    mpfr_set_emin(1 - format.largest_exponent - format.precision + 2);
    mpfr_set_emax(format.largest_exponent + 1);
    mpfr_t x;
    mpfr_init2(x, format.precision);
    const int direction = mpfr_set_d(x, value, MPFR_RNDN);
    mpfr_subnormalize(x, mpfr_check_range(x, direction, MPFR_RNDN), MPFR_RNDN);
    const double result = mpfr_get_d(x, MPFR_RNDN);
    mpfr_clear(x);
    mpfr_set_emin(usual_least);
    mpfr_set_emax(usual_largest);
    return result;
}

double decoded(DataType type, std::uint64_t pattern) {
    double value = 0.0;
    std::array<std::byte, 8> bytes{};
    std::memcpy(bytes.data(), &pattern, sizeof pattern);
    lipcert::decode(type, false, bytes.data(), {&value, 1});
    return value;
}

bool same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// Whether `value` is encoded as MPFR rounds it, or refused where MPFR overflows.
bool is_correct(const Format& format, double value) {
    const double expected = nearest(format, value);
    const std::optional<std::uint64_t> pattern = encode(format.type, value);
    if (std::isinf(expected)) {
        return !pattern;
    }
    return pattern && same_bits(decoded(format.type, *pattern), expected);
}

/// A double that is no stranger to the format: every exponent from half its least number to beyond
/// its overflow, the mantissa long, short, or a midpoint.
double interesting(Random& random, const Format& format) {
    const auto range = static_cast<double>(format.largest_exponent + format.precision + 3);
    const int exponent = static_cast<int>(random.uniform(-range, format.largest_exponent + 2.0));
    double significand = random.uniform(1.0, 2.0);
    const std::size_t kind = random.integer(0, 3);
    if (kind != 0) {
        // Short enough for one bit behind the last place: a number of the format, or a midpoint.
        significand =
            std::ldexp(std::floor(std::ldexp(significand, format.precision)), -format.precision);
    }
    double value = std::ldexp(significand, exponent);
    if (kind == 2) {
        value = std::nextafter(value, kInfinity);
    } else if (kind == 3) {
        value = std::nextafter(value, 0.0);
    }
    return random.integer(0, 1) == 0 ? value : -value;
}

}  // namespace

TEST_CASE("Every finite 16-bit pattern is its own nearest, -0 and subnormals included") {
    for (const DataType type : {DataType::float16, DataType::bfloat16}) {
        std::size_t wrong = 0;
        for (std::uint64_t pattern = 0; pattern < 65536; ++pattern) {
            const double value = decoded(type, pattern);
            const std::optional<std::uint64_t> expected =
                std::isfinite(value) ? std::optional(pattern) : std::nullopt;
            wrong += encode(type, value) == expected ? 0U : 1U;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("Between two 16-bit neighbours the nearer one is taken, and the even one half way") {
    for (const DataType type : {DataType::float16, DataType::bfloat16}) {
        std::size_t wrong = 0;
        for (std::uint64_t low = 0; std::isfinite(decoded(type, low + 1)); ++low) {
            const double middle = (decoded(type, low) + decoded(type, low + 1)) / 2;  // exact
            const std::uint64_t even = low + (low & 1U);
            wrong += encode(type, middle) == even ? 0U : 1U;
            wrong += encode(type, std::nextafter(middle, 0.0)) == low ? 0U : 1U;
            wrong += encode(type, std::nextafter(middle, kInfinity)) == low + 1 ? 0U : 1U;
            wrong += encode(type, -middle) == (even | 0x8000U) ? 0U : 1U;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("Every double is rounded once and correctly: MPFR rounds the same") {
    Random random(41);
    for (const Format& format : kFormats) {
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < repetitions(50'000); ++i) {
            wrong += is_correct(format, interesting(random, format)) ? 0U : 1U;
        }
        CHECK(wrong == 0);
        for (const double value : {0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7e308}) {
            CHECK(is_correct(format, value));
        }
    }
}

TEST_CASE("A detour through float would round some values to float16 twice") {
    // 1 + 2^-11 is half way between two float16 numbers; 2^-40 more decides, and float loses it.
    const double value = 1.0 + 0x1p-11 + 0x1p-40;
    CHECK(decoded(DataType::float16, *encode(DataType::float16, value)) == 1.0 + 0x1p-10);
    const double by_float = static_cast<double>(static_cast<float>(value));
    CHECK(decoded(DataType::float16, *encode(DataType::float16, by_float)) == 1.0);
}

TEST_CASE("A matrix is stored row by row, and comes back as the rounded values") {
    Random random(42);
    const Matrix values = random.gaussian(7, 5);
    for (const Format& format : kFormats) {
        const StoredValues stored = StoredValues::rounded(format.type, values);
        CHECK(stored.type() == format.type);
        CHECK(stored.rows() == 7);
        CHECK(stored.cols() == 5);
        CHECK(stored.bytes().size() == 35 * lipcert::element_size(format.type));
        const Matrix back = stored.values();
        CHECK(same_bits(back(3, 2), nearest(format, values(3, 2))));
        CHECK(same_bits(back(6, 4), nearest(format, values(6, 4))));
        // Rounding what is rounded changes nothing.
        const StoredValues again = StoredValues::rounded(format.type, back);
        CHECK(std::equal(again.bytes().begin(), again.bytes().end(), stored.bytes().begin()));
    }
    CHECK(StoredValues::rounded(DataType::float64, values).values() == values);
    CHECK(StoredValues::rounded(DataType::float32, Matrix(0, 4)).values().cols() == 4);
}

TEST_CASE("What would become infinite or is not finite is refused, never stored") {
    const auto refused = [](DataType type, double value) {
        const lipcert::Error error = lipcert::test::error_of(
            [&] { (void)StoredValues::rounded(type, Matrix::Constant(1, 1, value)); });
        return error.kind() == lipcert::ErrorKind::internal;
    };
    // The largest number plus half its last place is the first to overflow.
    CHECK(decoded(DataType::float16, *encode(DataType::float16, std::nextafter(65520.0, 0.0))) ==
          65504.0);
    CHECK(refused(DataType::float16, 65520.0));
    CHECK(refused(DataType::bfloat16, -0x1.FFp+127));
    CHECK(refused(DataType::float32, 0x1.FFFFFFp+127));
    CHECK(encode(DataType::float32, std::nextafter(0x1.FFFFFFp+127, 0.0)) == 0x7F7FFFFFU);
    for (const DataType type : {DataType::float16, DataType::float64}) {
        CHECK(refused(type, kInfinity));
        CHECK(refused(type, std::nan("")));
    }
    CHECK(refused(DataType::unsupported, 1.0));
}

TEST_CASE("float32 is decoded in place, block by block, as pattern by pattern") {
    Random random(17);
    for (const std::size_t count : {1U, 63U, 64U, 65U, 500U}) {
        for (const bool has_special : {false, true}) {
            std::vector<double> values(count);
            std::vector<std::uint32_t> patterns(count);
            for (std::uint32_t& pattern : patterns) {
                const auto exponent = static_cast<std::uint32_t>(
                    has_special ? random.integer(0, 255) : random.integer(1, 254));
                const auto mantissa = static_cast<std::uint32_t>(random.integer(0, 0x7fffff));
                pattern = static_cast<std::uint32_t>(random.integer(0, 1)) << 31U |
                          exponent << 23U | mantissa;
            }
            patterns[count / 2] = 0x80000000U;  // -0
            if (has_special) {
                patterns[count / 3] = 0x7f800001U;  // a signalling NaN
                patterns[0] = 1U;                   // the least subnormal number
            }
            const std::span<std::byte> raw = lipcert::raw_part(DataType::float32, values);
            std::memcpy(raw.data(), patterns.data(), raw.size());
            lipcert::decode(DataType::float32, false, raw.data(), values);
            for (std::size_t i = 0; i < count; ++i) {
                CHECK(same_bits(values[i], lipcert::decode_float32(patterns[i])));
            }
        }
    }
}

#if defined(__x86_64__)
TEST_CASE("Rounding and reading keep subnormals on a thread that flushes them to zero") {
    constexpr unsigned kFlush = 0x8000 | 0x0040;  // FTZ and DAZ
    const Matrix values{{0x1p-24, -0x1p-24, 0x1.8p-15, 3 * 0x1p-24}};
    const unsigned usual = _mm_getcsr();
    _mm_setcsr(usual | kFlush);
    const Matrix half = StoredValues::rounded(DataType::float16, values).values();
    const Matrix single = StoredValues::rounded(DataType::float32, values * 0x1p-120).values();
    const Matrix least =
        StoredValues::rounded(DataType::float64, Matrix::Constant(1, 1, 5e-324)).values();
    _mm_setcsr(usual);
    CHECK(half == values);
    CHECK(single == values * 0x1p-120);
    CHECK(same_bits(least(0, 0), 5e-324));
}
#endif

TEST_CASE("numbers that are encoded many at a time come out as each alone") {
    Random random(0x5c);
    // One number next to where the processor's conversion begins or ends to be good enough.
    constexpr std::array<double, 8> kEnds{-0.0,
                                          0x1p-126,
                                          -0x1.fffffffffffffp-127,
                                          0x1.fffffffffffffp126,
                                          -0x1p127,
                                          0x1.fffffep127,
                                          0x1p-149,
                                          0x1p-1074};
    const std::array<std::size_t, 5> counts{1, 63, 64, 65, 200};
    for (std::size_t i = 0; i < kEnds.size() * counts.size(); ++i) {
        const double end = kEnds[i % kEnds.size()];
        const std::size_t count = counts[i / kEnds.size()];
        std::vector<double> values(count);
        for (double& value : values) {
            // Blocks that the processor converts, and others with subnormal numbers of binary32.
            value = std::ldexp(random.gaussian_vector(1)(0), count == 200 ? -127 : 3);
        }
        values[count / 2] = 0.0;
        values[count / 3] = end;
        std::vector<std::byte> together(4 * count);
        CHECK(encode(DataType::float32, values, together.data()) == count);
        for (std::size_t j = 0; j < count; ++j) {
            std::uint32_t pattern = 0;
            std::memcpy(&pattern, together.data() + 4 * j, sizeof pattern);
            CHECK(encode(DataType::float32, values[j]) == std::optional<std::uint64_t>(pattern));
        }
        values[count - 1] = 0x1p128;
        CHECK(encode(DataType::float32, values, together.data()) == count - 1);
    }
}
