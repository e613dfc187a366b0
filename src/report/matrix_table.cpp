#include "report/matrix_table.hpp"

#include "lipcert/report/text.hpp"

#include <algorithm>

#include "report/column_table.hpp"
#include "report/phrases.hpp"
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

std::vector<std::string> cells_of(const MatrixBound& matrix) {
    return {shape_text(matrix),
            matrix.type,
            norm_range(matrix.norm.spectral),
            relative_width(matrix.norm.spectral),
            stable_rank_text(matrix.norm)};
}

/// Whether `a` stands before `b`.
bool precedes(const MatrixBound& a, const MatrixBound& b, MatrixOrder order) {
    switch (order) {
        case MatrixOrder::norm:
            return b.norm.spectral.upper() < a.norm.spectral.upper();
        case MatrixOrder::name:
            return a.name < b.name;
        case MatrixOrder::stable_rank:
            return stable_rank(a.norm).upper() < stable_rank(b.norm).upper();
        case MatrixOrder::width:
            return b.norm.spectral.relative_width() < a.norm.spectral.relative_width();
        case MatrixOrder::stored:
            break;
    }
    return false;
}

}  // namespace

std::string matrix_table(const std::vector<MatrixBound>& matrices, const TerminalStyle& style) {
    std::vector<const MatrixBound*> sorted;
    sorted.reserve(matrices.size());
    for (const MatrixBound& matrix : matrices) {
        sorted.push_back(&matrix);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [&style](const auto* a, const auto* b) {
        return precedes(*a, *b, style.order);
    });
    ColumnTable table("matrix",
                      {{"shape", 16, true, 2},
                       {"dtype", 8, false, 0},
                       {"spectral norm (certified)", 30, true, 3},
                       {"width", 8, true, 3},
                       {"stable rank", 11, true, 1}});
    const std::size_t limit =
        style.verbose || style.top == 0 ? sorted.size() : std::min(style.top, sorted.size());
    Upper widest;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i < limit) {
            table.add(sorted[i]->name, cells_of(*sorted[i]));
        } else {
            widest = max(widest, sorted[i]->norm.spectral.relative_width());
        }
    }
    std::string text = table.text(style.width);
    if (sorted.size() > limit) {
        text += fmt::format("[{} others, relative width at most {}]\n",
                            sorted.size() - limit,
                            widest.is_finite() ? widest.to_decimal(2) : "inf");
    }
    return text;
}

}  // namespace lipcert
