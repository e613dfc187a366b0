#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace lipcert {

/// A table of a page: a caption, headers with a scope, cells that are escaped here.
class HtmlTable {
public:
    struct Column {
        std::string title;
        bool is_number = false;
    };

    HtmlTable(std::string caption, std::vector<Column> columns)
        : caption_(std::move(caption)), columns_(std::move(columns)) {}

    /// One text per column, as hostile as it may be; `style` is a class of the page for the row.
    void add(const std::vector<std::string>& cells, const std::string& style = "");

    /// The first `open_rows` rows in sight, the others in a part that unfolds.
    [[nodiscard]] std::string text(
        std::size_t open_rows = std::numeric_limits<std::size_t>::max()) const;

private:
    [[nodiscard]] std::string table(std::size_t begin, std::size_t end) const;

    std::string caption_;
    std::vector<Column> columns_;
    std::vector<std::string> rows_;
};

}  // namespace lipcert
