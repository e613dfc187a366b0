#include "tensor/element_bits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>

namespace lipcert {

static_assert(std::endian::native == std::endian::little && std::numeric_limits<double>::is_iec559);

namespace {

constexpr unsigned kDoubleMantissaBits = 52;
constexpr int kDoubleBias = 1023;

/// A binary floating-point pattern as IEEE 754 reads it, in a double. Exponents of at most 8 and
/// mantissas of at most 23 bits always fit a normal double: normal numbers by moving bits,
/// subnormal ones as an integer times a power of two, which rounds nothing.
template <unsigned kExponentBits, unsigned kMantissaBits>
double decode_pattern(std::uint32_t bits) {
    constexpr unsigned kBias = (1U << (kExponentBits - 1)) - 1;
    constexpr std::uint32_t kTopExponent = (1U << kExponentBits) - 1;
    constexpr double kSubnormalUnit =
        std::bit_cast<double>(std::uint64_t{1023 + 1 - kBias - kMantissaBits} << 52U);
    const std::uint64_t sign = (bits >> (kExponentBits + kMantissaBits)) & 1U;
    const std::uint32_t exponent = (bits >> kMantissaBits) & kTopExponent;
    const std::uint64_t mantissa = bits & ((1U << kMantissaBits) - 1);
    if (exponent == 0) {
        const double magnitude = static_cast<double>(mantissa) * kSubnormalUnit;
        return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint64_t wide_exponent = exponent == kTopExponent ? 2047 : exponent + 1023 - kBias;
    return std::bit_cast<double>(sign << 63U | wide_exponent << 52U |
                                 mantissa << (52U - kMantissaBits));
}

/// m 2^-shift to the nearest integer, ties to even.
std::uint64_t shifted(std::uint64_t m, int shift) {
    if (shift > 54) {
        return 0;  // m < 2^53 is less than half of 2^shift
    }
    const std::uint64_t quotient = m >> static_cast<unsigned>(shift);
    const std::uint64_t rest = m - (quotient << static_cast<unsigned>(shift));
    const std::uint64_t half = (std::uint64_t{1} << static_cast<unsigned>(shift)) / 2;
    const bool up = shift > 0 && (rest > half || (rest == half && (quotient & 1U) != 0));
    return quotient + (up ? 1U : 0U);
}

/// `magnitude`: the bits of a finite positive double m 2^e, m < 2^53. The last place of the result
/// is worth 2^(exponent - mantissa bits), where the exponent is that of the double or, if that is
/// larger, the least one of the type: there the subnormal patterns follow the normal ones without a
/// gap, and a carry out of the mantissa raises the exponent by itself.
std::optional<std::uint64_t> round_magnitude(std::uint64_t magnitude,
                                             int exponent_bits,
                                             int mantissa_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const auto field = static_cast<int>(magnitude >> kDoubleMantissaBits);
    const std::uint64_t fraction = magnitude & ((std::uint64_t{1} << kDoubleMantissaBits) - 1);
    const std::uint64_t m = fraction | (std::uint64_t{field != 0} << kDoubleMantissaBits);
    const int exponent = std::max(field, 1) - kDoubleBias;
    const int least = 1 - bias;
    const std::uint64_t rounded = shifted(
        m, std::max(least - exponent, 0) + static_cast<int>(kDoubleMantissaBits) - mantissa_bits);
    const auto steps = static_cast<std::uint64_t>(std::max(exponent - least, 0));
    // Above the least exponent `rounded` holds the leading bit, which counts as one exponent.
    const std::uint64_t bits = (steps << static_cast<unsigned>(mantissa_bits)) + rounded;
    const std::uint64_t infinity = ((std::uint64_t{1} << static_cast<unsigned>(exponent_bits)) - 1)
                                   << static_cast<unsigned>(mantissa_bits);
    return bits < infinity ? std::optional(bits) : std::nullopt;
}

template <std::unsigned_integral Word>
Word swap_bytes(Word word) {
    Word result = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
        result = static_cast<Word>(static_cast<Word>(result << 8U) | (word & 0xFFU));
        word = static_cast<Word>(word >> 8U);
    }
    return result;
}

/// Where `raw` is the end of `values`: element i ends at byte 8 (i + 1), the raw element i + 1
/// begins at or after it, so no element is overwritten before it has been read.
template <std::unsigned_integral Word, typename Decode>
void decode_words(bool big_endian,
                  const std::byte* raw,
                  std::span<double> values,
                  const Decode& decode_word) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        Word word = 0;
        std::memcpy(&word, raw + i * sizeof(Word), sizeof(Word));
        values[i] = decode_word(big_endian ? swap_bytes(word) : word);
    }
}

/// Whether the processor converts a pattern of binary32 without loss, whatever is done to
/// subnormals: not infinities, NaNs and subnormal numbers.
bool is_plain(std::uint32_t bits) {
    constexpr std::uint32_t kExponent = 0x7f800000U;
    const std::uint32_t exponent = bits & kExponent;
    return (exponent != kExponent) & ((exponent != 0) | ((bits & 0x7fffffffU) == 0));
}

/// float32 of this machine's byte order, where `raw` may be as above.
void decode_floats(const std::byte* raw, std::span<double> values) {
    constexpr std::size_t kBlock = 64;
    std::array<std::uint32_t, kBlock> bits{};
    for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
        const std::size_t count = std::min(kBlock, values.size() - begin);
        std::memcpy(bits.data(), raw + begin * sizeof bits[0], count * sizeof bits[0]);
        std::uint32_t plain = 1;
        for (std::size_t i = 0; i < count; ++i) {
            plain &= static_cast<std::uint32_t>(is_plain(bits[i]));
        }
        const std::span<double> block = values.subspan(begin, count);
        if (plain != 0) {
            std::transform(
                bits.begin(), bits.begin() + count, block.begin(), [](std::uint32_t word) {
                    return static_cast<double>(std::bit_cast<float>(word));
                });
        } else {
            std::transform(bits.begin(), bits.begin() + count, block.begin(), decode_float32);
        }
    }
}

}  // namespace

std::size_t element_size(DataType type) {
    switch (type) {
        case DataType::float16:
        case DataType::bfloat16:
            return 2;
        case DataType::float32:
            return 4;
        case DataType::float64:
            return 8;
        case DataType::unsupported:
            break;
    }
    return 0;
}

double decode_float16(std::uint16_t bits) {
    return decode_pattern<5, 10>(bits);
}

double decode_bfloat16(std::uint16_t bits) {
    return decode_pattern<8, 7>(bits);
}

double decode_float32(std::uint32_t bits) {
    return decode_pattern<8, 23>(bits);
}

std::optional<std::uint64_t> encode(DataType type, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t sign = bits >> 63U;
    const std::uint64_t magnitude = bits & ~(std::uint64_t{1} << 63U);
    if (magnitude >= std::bit_cast<std::uint64_t>(std::numeric_limits<double>::infinity())) {
        return std::nullopt;
    }
    std::optional<std::uint64_t> rounded;
    switch (type) {
        case DataType::float16:
            rounded = round_magnitude(magnitude, 5, 10);
            break;
        case DataType::bfloat16:
            rounded = round_magnitude(magnitude, 8, 7);
            break;
        case DataType::float32:
            rounded = round_magnitude(magnitude, 8, 23);
            break;
        case DataType::float64:
            return bits;
        case DataType::unsupported:
            break;
    }
    if (rounded) {
        *rounded |= sign << (8 * element_size(type) - 1);
    }
    return rounded;
}

namespace {

/// The processor's conversion to a normal number of binary32, or to zero, is the rounding of
/// `encode` at a small part of its cost, whatever is done to subnormals. What may become infinite
/// is left out too.
bool is_converted_by_processor(double value) {
    constexpr auto kLeast =
        static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(0x1p-126) >> 32U);
    constexpr auto kEnd = static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(0x1p127) >> 32U);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto low = static_cast<std::uint32_t>(bits);
    const std::uint32_t high = static_cast<std::uint32_t>(bits >> 32U) & 0x7fffffffU;
    return (high - kLeast < kEnd - kLeast) | ((high | low) == 0);
}

bool are_converted_by_processor(std::span<const double> values) {
    std::uint32_t converted = 1;  // without a branch for each
    for (const double value : values) {
        converted &= static_cast<std::uint32_t>(is_converted_by_processor(value));
    }
    return converted != 0;
}

void encode_floats(std::span<const double> values, std::byte* raw) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto element = static_cast<float>(values[i]);
        std::memcpy(raw + i * sizeof element, &element, sizeof element);
    }
}

/// How many there are before one that the type does not have.
std::size_t encode_each(DataType type, std::span<const double> values, std::byte* raw) {
    const std::size_t size = element_size(type);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::optional<std::uint64_t> pattern = encode(type, values[i]);
        if (!pattern) {
            return i;
        }
        std::memcpy(raw + i * size, &*pattern, size);  // the low bytes come first
    }
    return values.size();
}

}  // namespace

std::size_t encode(DataType type, std::span<const double> values, std::byte* raw) {
    constexpr std::size_t kBlock = 64;
    for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
        const auto block = values.subspan(begin, std::min(kBlock, values.size() - begin));
        std::byte* const target = raw + begin * element_size(type);
        if (type == DataType::float32 && are_converted_by_processor(block)) {
            encode_floats(block, target);
            continue;
        }
        const std::size_t count = encode_each(type, block, target);
        if (count < block.size()) {
            return begin + count;
        }
    }
    return values.size();
}

std::span<std::byte> raw_part(DataType type, std::span<double> values) {
    return std::as_writable_bytes(values).last(values.size() * element_size(type));
}

void decode(DataType type, bool big_endian, const std::byte* raw, std::span<double> values) {
    switch (type) {
        case DataType::float16:
            decode_words<std::uint16_t>(big_endian, raw, values, decode_float16);
            break;
        case DataType::bfloat16:
            decode_words<std::uint16_t>(big_endian, raw, values, decode_bfloat16);
            break;
        case DataType::float32:
            if (big_endian) {
                decode_words<std::uint32_t>(big_endian, raw, values, decode_float32);
            } else {
                decode_floats(raw, values);
            }
            break;
        case DataType::float64:
            decode_words<std::uint64_t>(big_endian, raw, values, [](std::uint64_t bits) {
                return std::bit_cast<double>(bits);
            });
            break;
        case DataType::unsupported:
            break;
    }
}

void swap_elements(std::span<std::byte> bytes, std::size_t size) {
    for (std::size_t start = 0; start + size <= bytes.size(); start += size) {
        const std::span<std::byte> element = bytes.subspan(start, size);
        std::reverse(element.begin(), element.end());
    }
}

}  // namespace lipcert
