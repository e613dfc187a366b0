#include "lipcert/commands/console.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lipcert {

namespace {

/// What COLUMNS asks for, also for a pipe; 0 where it is not set or no sensible number.
std::size_t columns_variable() {
    constexpr std::size_t kMostColumns = 10000;
    const char* text = std::getenv("COLUMNS");
    std::size_t columns = 0;
    if (text == nullptr) {
        return 0;
    }
    const std::string_view digits = text;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), columns);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
    return is_number && columns <= kMostColumns ? columns : 0;
}

/// COLUMNS, or what the terminal behind `file` says; nothing where it is none.
std::optional<std::size_t> columns_of(int file) {
    if (const std::size_t columns = columns_variable(); columns > 0) {
        return columns;
    }
    winsize size{};
    const bool is_known = isatty(file) == 1 && ioctl(file, TIOCGWINSZ, &size) == 0;
    return is_known && size.ws_col > 0 ? std::optional<std::size_t>(size.ws_col) : std::nullopt;
}

}  // namespace

Console process_console() {
    Console console;
    console.out_is_terminal = isatty(STDOUT_FILENO) == 1;
    console.err_is_terminal = isatty(STDERR_FILENO) == 1;
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    console.color_allowed = (no_color == nullptr || *no_color == '\0') &&
                            (terminal == nullptr || std::string_view(terminal) != "dumb");
    console.width = columns_of(STDOUT_FILENO).value_or(console.width);
    console.err_width = columns_of(STDERR_FILENO).value_or(console.err_width);
    return console;
}

void write_text(std::FILE* stream, const std::string& text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
    if (!written || std::fflush(stream) != 0) {
        if (errno == EPIPE) {
            return;
        }
        throw Error(ErrorKind::input,
                    "standard output",
                    std::string("could not be written: ") + std::strerror(errno));
    }
}

}  // namespace lipcert
