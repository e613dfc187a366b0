#include "lipcert/commands/console.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lipcert {

Console process_console() {
    Console console;
    console.out_is_terminal = isatty(STDOUT_FILENO) == 1;
    console.err_is_terminal = isatty(STDERR_FILENO) == 1;
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    console.color_allowed = (no_color == nullptr || *no_color == '\0') &&
                            (terminal == nullptr || std::string_view(terminal) != "dumb");
    winsize size{};
    if (console.out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0) {
        console.width = size.ws_col;
    }
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
