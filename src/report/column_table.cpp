#include "report/column_table.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>

namespace lipcert {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNameWidth = 30;  ///< what a name should have before a column is left out

}  // namespace

void ColumnTable::add(const std::string& name, std::vector<std::string> cells) {
    std::string shown = printable(name);
    if (shown.starts_with("::")) {
        // At the start of a line GitHub Actions reads a workflow command.
        shown.replace(0, 1, "\\x3a");
    }
    rows_.push_back({shown, std::move(cells)});
}

std::size_t ColumnTable::width_from_rank(int rank) const {
    std::size_t width = 0;
    for (const Column& column : columns_) {
        width += column.rank >= rank ? column.width + kGap : 0;
    }
    return width;
}

std::string ColumnTable::line(const Row& row, std::size_t name_width, int rank) const {
    std::string text = left(shortened(row.name, name_width), name_width);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Column& column = columns_[i];
        if (column.rank >= rank) {
            text +=
                std::string(kGap, ' ') + (column.right_aligned ? right(row.cells[i], column.width)
                                                               : left(row.cells[i], column.width));
        }
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
}

std::string ColumnTable::text(std::size_t width) const {
    Row titles{name_title_, {}};
    int highest = 0;
    for (const Column& column : columns_) {
        titles.cells.push_back(column.title);
        highest = std::max(highest, column.rank);
    }
    std::size_t longest = width_of(name_title_);
    for (const Row& row : rows_) {
        longest = std::max(longest, width_of(row.name));
    }
    const std::size_t room = std::max<std::size_t>(width, 60);
    int rank = 0;
    while (rank < highest && width_from_rank(rank) + std::min(longest, kNameWidth) > room) {
        ++rank;
    }
    const std::size_t name_width = std::min(longest, room - std::min(room, width_from_rank(rank)));
    std::string text = line(titles, name_width, rank);
    for (const Row& row : rows_) {
        text += line(row, name_width, rank);
    }
    return text;
}

}  // namespace lipcert
