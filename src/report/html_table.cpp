#include "report/html_table.hpp"

#include "lipcert/report/text.hpp"

#include <algorithm>

#include "report/escape.hpp"
#include <fmt/format.h>

namespace lipcert {

void HtmlTable::add(const std::vector<std::string>& cells, const std::string& style) {
    std::string row = style.empty() ? "<tr>" : "<tr class=\"" + style + "\">";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const char* kind = columns_[i].is_number ? "number" : "name";
        row += i == 0 ? "<th scope=\"row\">" + markup_text(cells[i]) + "</th>"
                      : fmt::format("<td class=\"{}\">{}</td>", kind, markup_text(cells[i]));
    }
    rows_.push_back(row + "</tr>\n");
}

std::string HtmlTable::table(std::size_t begin, std::size_t end) const {
    std::string text = "<div class=\"scroll\" tabindex=\"0\"><table>\n";
    text += caption_.empty() ? "" : "<caption>" + markup_text(caption_) + "</caption>\n";
    text += "<thead><tr>";
    for (const Column& column : columns_) {
        text += fmt::format("<th scope=\"col\"{}>{}</th>",
                            column.is_number ? " class=\"number\"" : "",
                            markup_text(column.title));
    }
    text += "</tr></thead>\n<tbody>\n";
    for (std::size_t i = begin; i < end; ++i) {
        text += rows_[i];
    }
    return text + "</tbody>\n</table></div>\n";
}

std::string HtmlTable::text(std::size_t open_rows) const {
    const std::size_t open = std::min(open_rows, rows_.size());
    std::string text = open == 0 && !rows_.empty() ? "" : table(0, open);
    if (open < rows_.size()) {
        text += fmt::format("<details><summary>{}</summary>\n{}</details>\n",
                            counted(rows_.size() - open, open == 0 ? "line" : "further line"),
                            table(open, rows_.size()));
    }
    return text;
}

}  // namespace lipcert
