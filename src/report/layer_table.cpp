#include "report/layer_table.hpp"

#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace lipcert {

namespace {

struct Row {
    std::string place;
    const BlockBound* block = nullptr;
    std::string cumulative;
};

void append(std::vector<Row>& rows,
            const std::string& place,
            const std::vector<BlockBound>& blocks) {
    for (const BlockBound& block : blocks) {
        rows.push_back({&block == &blocks.front() ? place : "", &block, ""});
    }
}

std::vector<Row> rows_of(const NetworkBounds& bounds) {
    std::vector<Row> rows;
    append(rows, "stem", bounds.stem);
    for (const LayerBound& layer : bounds.layers) {
        append(rows, std::to_string(layer.index), layer.blocks);
        if (!layer.blocks.empty()) {
            rows.back().cumulative = readable(layer.cumulative, 3);
        }
    }
    append(rows, "head", bounds.head);
    return rows;
}

double log_of(const BlockBound& block) {
    const double logarithm = block.lipschitz.log10();
    return std::isfinite(logarithm) ? logarithm : 0.0;
}

}  // namespace

std::string layer_table(const NetworkBounds& bounds, const TerminalStyle& style) {
    constexpr double kFullBar = 24.0;
    constexpr std::size_t kColumns = 78;  // without the bar
    const std::vector<Row> rows = rows_of(bounds);
    double largest = 0.0;
    double total = 0.0;
    for (const Row& row : rows) {
        largest = std::max(largest, log_of(*row.block));
        total += std::max(log_of(*row.block), 0.0);
    }
    const bool bar = style.width >= kColumns + 14;
    std::string text =
        "layer  part           radius in -> out       Lipschitz  cumulative  rule          share "
        "of log10 L\n";
    for (const Row& row : rows) {
        const double logarithm = log_of(*row.block);
        std::string line = right(row.place, 5) + "  " + left(row.block->kind, 11) + "  " +
                           right(readable(row.block->radius_in, 3), 9) + " -> " +
                           left(readable(row.block->radius_out, 3), 9) + "  " +
                           right(readable(row.block->lipschitz, 3), 9) + "  " +
                           right(row.cumulative, 10) + "  " + left(row.block->rule, 12) + "  ";
        if (bar && logarithm > 0.0) {
            const double room = std::min(kFullBar, static_cast<double>(style.width - kColumns - 7));
            const auto length = static_cast<std::size_t>(std::lround(room * logarithm / largest));
            line += left(std::string(length, '#'), static_cast<std::size_t>(room)) + " ";
        } else if (bar) {
            const double room = std::min(kFullBar, static_cast<double>(style.width - kColumns - 7));
            line += std::string(static_cast<std::size_t>(room) + 1, ' ');
        }
        line += total > 0.0 ? fmt::format("{:3.0f} %", 100.0 * logarithm / total) : "";
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace lipcert
