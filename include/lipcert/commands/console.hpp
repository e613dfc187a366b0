#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace lipcert {

/// The outside world of a command: the answer goes to `out`, talk and progress to `err`. Tests pass
/// temporary files.
struct Console {
    std::FILE* out = stdout;
    std::FILE* err = stderr;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    bool color_allowed = true;   ///< neither NO_COLOR nor TERM=dumb
    std::size_t width = 100;     ///< COLUMNS, or the columns of `out` where it is a terminal
    std::size_t err_width = 80;  ///< the same of `err`
};

/// The console of this process.
[[nodiscard]] Console process_console();

/// Writes all of `text` to `stream`; throws Error{input} where the device does not take it. A
/// reader that has gone away has read what it wanted: that is no error, and changes no verdict.
void write_text(std::FILE* stream, const std::string& text);

}  // namespace lipcert
