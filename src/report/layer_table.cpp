#include "report/layer_table.hpp"

#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "report/column_table.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kMostBlocks = 24;  ///< shown without --verbose
constexpr std::size_t kFullBar = 24, kLeastBar = 7;
constexpr std::size_t kShareWidth = 6;  ///< "100 %" and a space before it
constexpr std::size_t kNameAndGaps = 18 + 4 * 2;

/// Which blocks a report shows: all, or those with the largest share of the exponent.
std::vector<bool> shown(const std::vector<NamedBlock>& rows, const TerminalStyle& style) {
    if (style.verbose || rows.size() <= kMostBlocks) {
        return std::vector<bool>(rows.size(), true);
    }
    std::vector<std::size_t> order(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(), [&rows](std::size_t a, std::size_t b) {
        return rows[a].log10 > rows[b].log10;
    });
    std::vector<bool> result(rows.size(), false);
    for (std::size_t i = 0; i < kMostBlocks; ++i) {
        result[order[i]] = true;
    }
    return result;
}

std::string share_cell(const NamedBlock& row, double largest, std::size_t room) {
    std::string percent = fmt::format("{:3.0f} %", 100.0 * row.share);
    if (room == 0 || !(largest > 0.0)) {
        return percent;
    }
    const double length = static_cast<double>(room) * std::max(row.log10, 0.0) / largest;
    return left(std::string(static_cast<std::size_t>(std::lround(length)), '#'), room) + " " +
           percent;
}

}  // namespace

std::string layer_table(const NetworkBounds& bounds, const TerminalStyle& style) {
    const std::vector<NamedBlock> rows = named_blocks(bounds);
    double largest = 0.0;
    std::size_t rule_width = 4;
    for (const NamedBlock& row : rows) {
        largest = std::max(largest, row.log10);
        rule_width = std::max(rule_width, width_of(row.block->rule));
    }
    const std::vector<ColumnTable::Column> columns = {{"radius in -> out", 22, false, 1},
                                                      {"Lipschitz", 9, true, 5},
                                                      {"cumulative", 10, true, 2},
                                                      {"rule", rule_width, false, 3}};
    std::size_t taken = kNameAndGaps + kShareWidth + 2;
    for (const ColumnTable::Column& column : columns) {
        taken += column.width;
    }
    std::size_t room = std::min(style.width > taken ? style.width - taken : 0, kFullBar);
    room = room < kLeastBar ? 0 : room;
    ColumnTable table("layer  part", columns);
    table.add_column(
        {room == 0 ? "share" : "share of log10 L", room == 0 ? 5 : room + kShareWidth, false, 4});
    const std::vector<bool> is_shown = shown(rows, style);
    double folded = 0.0;
    std::size_t folded_count = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const NamedBlock& row = rows[i];
        if (!is_shown[i]) {
            folded += row.share;
            ++folded_count;
            continue;
        }
        const bool first = i == 0 || rows[i - 1].place != row.place || !is_shown[i - 1];
        table.add(right(first ? row.place : "", 5) + "  " + row.block->kind,
                  {right(readable(row.block->radius_in, 3), 9) + " -> " +
                       readable(row.block->radius_out, 3),
                   readable(row.block->lipschitz, 3),
                   row.ends == nullptr ? "" : readable(row.ends->cumulative, 3),
                   row.block->rule,
                   share_cell(row, largest, room)});
    }
    return table.text(style.width) +
           (folded_count == 0 ? ""
                              : fmt::format("[{} with smaller shares, {:.0f} % together]\n",
                                            counted(folded_count, "other block"),
                                            100.0 * folded));
}

}  // namespace lipcert
