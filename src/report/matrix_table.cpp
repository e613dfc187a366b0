#include "report/matrix_table.hpp"

#include "lipcert/report/text.hpp"

#include "report/column_table.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// Both ends with nine digits: enough to see a width of 1e-8, short enough to read.
std::string norm_range(const Enclosure& norm) {
    return readable(norm.lower(), 9) + " .. " + readable(norm.upper(), 9);
}

std::string relative_width(const Enclosure& norm) {
    const Upper width = norm.relative_width();
    return width.is_finite() ? width.to_decimal(2) : "-";
}

std::string rank_text(const SpectralNorm& norm) {
    const Enclosure rank = stable_rank(norm);
    return rank.upper().is_finite() ? readable(rank.upper(), 3) : "-";
}

std::vector<std::string> cells_of(const MatrixBound& matrix) {
    return {fmt::format("{} x {}", matrix.rows, matrix.cols),
            matrix.type,
            norm_range(matrix.norm.spectral),
            relative_width(matrix.norm.spectral),
            rank_text(matrix.norm)};
}

}  // namespace

std::string matrix_table(const std::vector<const MatrixBound*>& matrices,
                         std::size_t limit,
                         const TerminalStyle& style) {
    ColumnTable table("matrix",
                      {{"shape", 16, true, 2},
                       {"dtype", 8, false, 0},
                       {"spectral norm (certified)", 30, true, 3},
                       {"width", 8, true, 3},
                       {"stable rank", 11, true, 1}});
    Upper widest;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
        const MatrixBound& matrix = *matrices[i];
        if (i < limit) {
            table.add(matrix.name, cells_of(matrix));
        } else {
            widest = max(widest, matrix.norm.spectral.relative_width());
        }
    }
    std::string text = table.text(style.width);
    if (matrices.size() > limit) {
        text += fmt::format("[{} others, relative width at most {}]\n",
                            matrices.size() - limit,
                            widest.is_finite() ? widest.to_decimal(2) : "inf");
    }
    return text;
}

}  // namespace lipcert
