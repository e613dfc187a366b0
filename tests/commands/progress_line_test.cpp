#include "commands/progress_line.hpp"

#include <chrono>

#include <doctest/doctest.h>

using lipcert::progress_line;
using std::chrono::duration;

TEST_CASE("a line of progress shows a bar, the count, the step, the rate and what is left") {
    const duration<double> elapsed(10.0);
    CHECK(progress_line("h.3.mlp.c_fc.weight", 5, 20, elapsed, 100) ==
          "[####------------] 5/20 h.3.mlp.c_fc.weight  0.5/s, about 30 s left");
    CHECK(progress_line("last", 3, 1000, duration<double>(60.0), 100) ==
          "[----------------] 3/1000 last  0.05/s, about 333 min left");
    // Nothing is known at the start, and nothing is left at the end.
    CHECK(progress_line("first", 0, 20, elapsed, 100) == "[----------------] 0/20 first");
    CHECK(progress_line("second", 1, 20, duration<double>(0.1), 100) ==
          "[----------------] 1/20 second");
    CHECK(progress_line("end", 20, 20, elapsed, 100) == "[################] 20/20 end");
    CHECK(progress_line("choosing limits", 0, 0, elapsed, 100) == "choosing limits");
}

TEST_CASE("a line of progress stays within a narrow terminal and shows no control characters") {
    for (const std::size_t width : {30U, 40U, 60U, 80U, 200U}) {
        const std::string line =
            progress_line(std::string(300, 'w'), 5, 20, duration<double>(10.0), width);
        CHECK(line.size() < width);
        CHECK(line.find("5/20") != std::string::npos);
    }
    CHECK(progress_line("a\x1b[2Jb", 1, 2, duration<double>(0.0), 80).find('\x1b') ==
          std::string::npos);
}
