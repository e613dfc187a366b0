#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace lipcert {

/// A table of a name and further columns, one line each. Where the terminal is narrow, columns with
/// a low rank are left out, then names are shortened in the middle.
class ColumnTable {
public:
    struct Column {
        std::string title;
        std::size_t width = 0;
        bool right_aligned = true;
        int rank = 0;  ///< the highest ranks stay longest
    };

    ColumnTable(std::string name_title, std::vector<Column> columns)
        : name_title_(std::move(name_title)), columns_(std::move(columns)) {}

    void add_column(Column column) { columns_.push_back(std::move(column)); }

    /// `name` may come from a file; it is made printable here. One cell per column.
    void add(const std::string& name, std::vector<std::string> cells);

    /// Lines for a terminal of `width` columns (at least 60 are used), ended by newlines.
    [[nodiscard]] std::string text(std::size_t width) const;

private:
    struct Row {
        std::string name;
        std::vector<std::string> cells;
    };

    [[nodiscard]] std::size_t width_from_rank(int rank) const;
    [[nodiscard]] std::string line(const Row& row, std::size_t name_width, int rank) const;

    std::string name_title_;
    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

}  // namespace lipcert
