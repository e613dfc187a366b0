#include "report/escape.hpp"

#include "lipcert/printable.hpp"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lipcert {

namespace {

using Replacements = std::vector<std::pair<char, std::string>>;

std::string replaced(std::string_view text, const Replacements& replacements) {
    std::string result;
    for (const char character : text) {
        bool found = false;
        for (const auto& [from, to] : replacements) {
            if (character == from) {
                result += to;
                found = true;
                break;
            }
        }
        if (!found) {
            result += character;
        }
    }
    return result;
}

bool is_unreserved(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') ||
           std::string_view("-._~/").find(character) != std::string_view::npos;
}

}  // namespace

std::string markup_text(std::string_view hostile) {
    static const Replacements entities = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    return replaced(printable(hostile), entities);
}

std::string markdown_text(std::string_view hostile) {
    // Entities, because a backslash does not keep GitHub from mentions (@), references (#) and
    // automatic links (www., ://).
    static const Replacements entities = {{'&', "&amp;"},
                                          {'<', "&lt;"},
                                          {'>', "&gt;"},
                                          {'|', "&#124;"},
                                          {'`', "&#96;"},
                                          {'*', "&#42;"},
                                          {'_', "&#95;"},
                                          {'~', "&#126;"},
                                          {'[', "&#91;"},
                                          {']', "&#93;"},
                                          {'!', "&#33;"},
                                          {'#', "&#35;"},
                                          {'@', "&#64;"},
                                          {'$', "&#36;"},
                                          {'\\', "&#92;"},
                                          {':', "&#58;"},
                                          {'(', "&#40;"},
                                          {')', "&#41;"}};
    std::string text = replaced(printable(hostile), entities);
    // "www.": what is left of automatic links.
    for (std::size_t at = text.find("www."); at != std::string::npos; at = text.find("www.", at)) {
        text.replace(at + 3, 1, "&#46;");
    }
    return text;
}

std::string csv_field(std::string_view hostile) {
    std::string text = printable(hostile);
    if (!text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos) {
        text.insert(0, "'");
    }
    if (text.find_first_of(",\"") == std::string::npos) {
        return text;
    }
    return "\"" + replaced(text, {{'"', "\"\""}}) + "\"";
}

std::string workflow_message(std::string_view hostile) {
    return replaced(printable(hostile), {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}});
}

std::string workflow_property(std::string_view hostile) {
    return replaced(printable(hostile),
                    {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}, {':', "%3A"}, {',', "%2C"}});
}

std::string uri_of_path(std::string_view hostile) {
    // The bytes of the path themselves: percent-encoding needs no `printable`.
    std::string uri = hostile.starts_with('/') ? "file://" : "";
    for (const char character : hostile) {
        uri += is_unreserved(character)
                   ? std::string(1, character)
                   : fmt::format("%{:02X}", static_cast<unsigned char>(character));
    }
    return uri;
}

}  // namespace lipcert
