#include "lipcert/printable.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

namespace lipcert {

namespace {

std::uint8_t byte_at(std::string_view text, std::size_t index) {
    return static_cast<std::uint8_t>(text[index]);
}

/// How long the UTF-8 sequence is that `first` opens; 0 where it opens none.
std::size_t sequence_length(std::uint8_t first) {
    constexpr std::array<std::pair<std::uint8_t, std::size_t>, 6> kLengthFrom = {
        {{0xF5, 0}, {0xF0, 4}, {0xE0, 3}, {0xC2, 2}, {0x80, 0}, {0x00, 1}}};
    return std::find_if(kLengthFrom.begin(),
                        kLengthFrom.end(),
                        [first](const auto& entry) { return first >= entry.first; })
        ->second;
}

/// Bidirectional and invisible format characters can make one name look like another.
bool is_shown(std::uint32_t code) {
    using Range = std::pair<std::uint32_t, std::uint32_t>;
    // Controls, surrogates, line ends, and what Unicode calls Default_Ignorable_Code_Point.
    constexpr std::array<Range, 20> kHidden = {
        {{0x00, 0x1F},     {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},
         {0x61C, 0x61C},   {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},
         {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},
         {0xD800, 0xDFFF}, {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
         {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}}};
    return code <= 0x10FFFF &&
           std::none_of(kHidden.begin(), kHidden.end(), [code](const Range& range) {
               return code >= range.first && code <= range.second;
           });
}

/// Length of the well-formed, printable UTF-8 sequence at the front; 0 where there is none.
std::size_t printable_prefix(std::string_view text) {
    constexpr std::array<std::uint32_t, 5> kLeastCode = {0, 0, 0x80, 0x800, 0x10000};
    const std::size_t length = sequence_length(byte_at(text, 0));
    if (length == 0 || text.size() < length) {
        return 0;
    }
    std::uint32_t code =
        length == 1 ? byte_at(text, 0) : byte_at(text, 0) & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, i) & 0xC0U) != 0x80U) {
            return 0;
        }
        code = code << 6U | (byte_at(text, i) & 0x3FU);
    }
    return code >= kLeastCode.at(length) && is_shown(code) ? length : 0;
}

}  // namespace

std::string printable(std::string_view hostile) {
    std::string result;
    while (!hostile.empty()) {
        const std::size_t length = printable_prefix(hostile);
        if (length == 0) {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(hostile.front()));
        } else {
            result += hostile.substr(0, length);
        }
        hostile.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

bool is_printable(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = printable_prefix(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::string printable_quote(std::string_view hostile) {
    constexpr std::size_t kLongestQuote = 120;
    return printable(hostile.substr(0, kLongestQuote)) +
           (hostile.size() > kLongestQuote ? "..." : "");
}

}  // namespace lipcert
