#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

namespace lipcert {

namespace {

/// Without "ESC [ ... m".
std::size_t width_without_color(std::string_view text) {
    std::size_t width = width_of(text);
    for (std::size_t at = text.find("\x1b["); at != std::string_view::npos;
         at = text.find("\x1b[", at)) {
        const std::size_t end = std::min(text.find('m', at), text.size() - 1);
        width -= end + 1 - at;
        at = end;
    }
    return width;
}

std::string wrapped_line(std::string_view line, std::size_t width) {
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    const std::string indent(begin + 4, ' ');
    std::string result(begin, ' ');
    std::size_t column = begin;
    bool is_first = true;
    for (std::size_t at = begin; at < line.size();) {
        // A word with the spaces before it, which a break swallows.
        const std::size_t word = std::min(line.find_first_not_of(' ', at), line.size());
        const std::size_t end = std::min(line.find(' ', word), line.size());
        const std::size_t length = width_without_color(line.substr(word, end - word));
        const std::size_t spaces = word - at;
        if (!is_first && column + spaces + length > width) {
            result += "\n" + indent;
            column = indent.size();
        } else {
            result += std::string(spaces, ' ');
            column += spaces;
        }
        result += line.substr(word, end - word);
        column += length;
        is_first = false;
        at = end;
    }
    return result;
}

}  // namespace

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string shortened(std::string_view text, std::size_t width) {
    if (width_of(text) <= width || width < 5) {
        return std::string(text);
    }
    // Code points start where the byte is not a continuation byte.
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
            starts.push_back(i);
        }
    }
    const std::size_t kept = width - 3;
    const std::size_t tail = kept - kept / 2;
    return std::string(text.substr(0, starts[kept / 2])) + "..." +
           std::string(text.substr(starts[starts.size() - tail]));
}

std::string left(std::string_view text, std::size_t width) {
    const std::size_t used = width_of(text);
    return std::string(text) + std::string(width > used ? width - used : 0, ' ');
}

std::string right(std::string_view text, std::size_t width) {
    const std::size_t used = width_of(text);
    return std::string(width > used ? width - used : 0, ' ') + std::string(text);
}

std::string wrapped(std::string_view text, std::size_t width) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        result +=
            width_without_color(line) <= width ? std::string(line) : wrapped_line(line, width);
        result += end < text.size() ? "\n" : "";
        at = end + 1;
    }
    return result;
}

std::string readable_decimal(const std::string& scientific) {
    const std::size_t mark = scientific.find('e');
    if (mark == std::string::npos) {
        return scientific;
    }
    const long exponent = std::strtol(scientific.c_str() + mark + 1, nullptr, 10);
    std::string digits = scientific.substr(0, mark);
    std::erase(digits, '.');
    const long count = static_cast<long>(digits.size());
    if (exponent >= 0 && exponent < count) {
        const auto point = static_cast<std::size_t>(exponent) + 1;
        return point == digits.size() ? digits
                                      : digits.substr(0, point) + "." + digits.substr(point);
    }
    if (exponent >= count && exponent <= 4) {
        return digits + std::string(static_cast<std::size_t>(exponent + 1 - count), '0');
    }
    if (exponent < 0 && exponent >= -3) {
        return "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    }
    return scientific;
}

std::string counted(std::size_t count, const std::string& noun) {
    // "matrix" is the only noun here that does not take a plain s.
    const std::string plural = noun == "matrix" ? "matrices" : noun + "s";
    return std::to_string(count) + " " + (count == 1 ? noun : plural);
}

std::string readable(const Upper& bound, int digits) {
    return bound.is_zero() ? "0" : readable_decimal(bound.to_decimal(digits));
}

std::string readable(const Lower& bound, int digits) {
    return bound.is_zero() ? "0" : readable_decimal(bound.to_decimal(digits));
}

std::string readable_count(std::uint64_t count) {
    if (count >= 1000000000) {
        return fmt::format("{:.3g} G", static_cast<double>(count) / 1e9);
    }
    if (count >= 1000000) {
        return fmt::format("{:.3g} M", static_cast<double>(count) / 1e6);
    }
    std::string digits = std::to_string(count);
    for (std::size_t i = digits.size(); i > 3; i -= 3) {
        digits.insert(i - 3, 1, ',');
    }
    return digits;
}

}  // namespace lipcert
