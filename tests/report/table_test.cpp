#include "lipcert/report/terminal_report.hpp"
#include "lipcert/report/text.hpp"

#include <sstream>

#include <doctest/doctest.h>

using lipcert::MatrixBound;

TEST_CASE("a table of norms fits terminals of every width and keeps the norm") {
    MatrixBound matrix;
    matrix.name = "model.layers.31.self_attn.some_projection.with_a_long_name.weight";
    matrix.rows = 50257;
    matrix.cols = 14336;
    matrix.type = "bfloat16";
    matrix.norm.spectral = lipcert::Enclosure::exact(5.0);
    matrix.norm.frobenius = lipcert::Enclosure::exact(9.0);
    for (const std::size_t width :
         {std::size_t{60}, std::size_t{70}, std::size_t{80}, std::size_t{100}, std::size_t{200}}) {
        CAPTURE(width);
        lipcert::TerminalStyle style;
        style.width = width;
        std::istringstream table(lipcert::render_norms({}, {matrix}, style));
        std::size_t rows = 0;
        for (std::string line; std::getline(table, line);) {
            CHECK(lipcert::width_of(line) <= width);
            if (line.find("5.00000000 .. 5.00000000") != std::string::npos) {
                ++rows;
            }
        }
        CHECK(rows == 1);
    }
}
