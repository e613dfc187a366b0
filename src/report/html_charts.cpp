#include "report/html_charts.hpp"

#include "lipcert/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "report/axis.hpp"
#include "report/escape.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr double kWidth = 640.0;
constexpr double kHeight = 260.0;
constexpr double kLeft = 50.0, kRight = 16.0, kTop = 12.0, kBottom = 36.0;
constexpr std::size_t kMostBars = 40;

struct Point {
    double x = 0.0, y = 0.0;
    std::string label;  ///< of the mark on the horizontal axis
};

struct Line {
    double y = 0.0;
    const char* label = "";
};

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                       x,
                       y,
                       anchor,
                       markup_text(text));
}

/// `description` is what a screen reader says.
std::string figure(const std::string& caption,
                   const std::string& description,
                   double height,
                   const std::string& content) {
    return fmt::format(
        "<figure>\n<svg viewBox=\"0 0 {} {:.0f}\" role=\"img\" "
        "aria-label=\"{}\">\n{}</svg>\n<figcaption>{}</figcaption>\n</figure>\n",
        kWidth,
        height,
        markup_text(caption + ". " + description),
        content,
        markup_text(caption));
}

std::string grid(const Axis& horizontal, const Axis& vertical) {
    std::string text;
    for (const double mark : vertical.marks()) {
        const double y = vertical.at(mark);
        text += fmt::format(
            "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" "
            "y2=\"{:.1f}\"/>\n",
            horizontal.begin,
            horizontal.end,
            y,
            y);
        text += text_at(horizontal.begin - 6.0, y + 4.0, "end", fmt::format("{:.4g}", mark));
    }
    return text;
}

/// A polyline with a dot for each point, a label under as many of them as have room, and lines
/// across at heights that mean something.
std::string curve(const std::vector<Point>& points, const std::vector<Line>& lines) {
    Axis vertical{points.front().y, points.front().y, kHeight - kBottom, kTop};
    for (const Point& point : points) {
        vertical.low = std::min(vertical.low, point.y);
        vertical.high = std::max(vertical.high, point.y);
    }
    for (const Line& line : lines) {
        vertical.high = std::max(vertical.high, line.y);
    }
    vertical.round_out();
    const Axis horizontal{0.0, std::max(points.back().x, 1.0), kLeft, kWidth - kRight};
    std::string text = grid(horizontal, vertical);
    for (const Line& line : lines) {
        const double y = vertical.at(line.y);
        text += fmt::format(
            "<line class=\"limit\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
            kLeft,
            kWidth - kRight,
            y,
            y);
        text += text_at(kWidth - kRight, y - 4.0, "end", line.label);
    }
    std::string path, dots;
    const std::size_t every = points.size() / 12 + 1;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double x = horizontal.at(points[i].x);
        const double y = vertical.at(points[i].y);
        path += fmt::format("{}{:.1f},{:.1f}", i == 0 ? "" : " ", x, y);
        dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n", x, y);
        if (i % every == 0) {
            dots += text_at(x, kHeight - 14.0, "middle", points[i].label);
        }
    }
    return text + "<polyline points=\"" + path + "\"/>\n" + dots;
}

double finite_log10(const Upper& bound) {
    const double logarithm = bound.log10();
    return std::isfinite(logarithm) ? logarithm : 0.0;
}

}  // namespace

std::string share_chart(const NetworkBounds& bounds) {
    std::vector<NamedBlock> rows = named_blocks(bounds);
    double largest = 0.0;
    for (const NamedBlock& row : rows) {
        largest = std::max(largest, row.log10);
    }
    if (!(largest > 0.0)) {
        return "";
    }
    const std::size_t folded = rows.size() - std::min(rows.size(), kMostBars);
    if (folded > 0) {
        std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
            return b.log10 < a.log10;
        });
        rows.resize(kMostBars);
    }
    constexpr double kRow = 20.0, kNames = 150.0, kNumbers = 90.0;
    std::string text;
    std::string described;
    double y = 4.0;
    for (const NamedBlock& row : rows) {
        const std::string name = row.place + " " + row.block->kind;
        const double length = (kWidth - kNames - kNumbers) * std::max(row.log10, 0.0) / largest;
        text += text_at(kNames - 8.0, y + 14.0, "end", shortened(name, 22));
        text +=
            fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                        kNames,
                        y + 2.0,
                        std::max(length, 1.0),
                        kRow - 6.0);
        text += text_at(kNames + std::max(length, 1.0) + 6.0,
                        y + 14.0,
                        "start",
                        fmt::format("{:.0f} %  ({:.2f})", 100.0 * row.share, row.log10));
        described += fmt::format("{} {:.0f} percent; ", name, 100.0 * row.share);
        y += kRow;
    }
    return figure(
        "Share of log10 of the bound, block by block" +
            (folded == 0
                 ? std::string()
                 : fmt::format(" ({} of {}, the largest)", rows.size(), rows.size() + folded)),
        described,
        y + 4.0,
        text);
}

std::string cumulative_chart(const NetworkBounds& bounds) {
    if (bounds.layers.empty()) {
        return "";
    }
    std::vector<Point> points = {{0.0, 0.0, "in"}};
    for (const LayerBound& layer : bounds.layers) {
        points.push_back({static_cast<double>(points.size()),
                          finite_log10(layer.cumulative),
                          std::to_string(layer.index)});
    }
    return figure(
        "log10 of the bound from the embeddings to the end of each layer (L2)",
        fmt::format("It ends at {:.2f} after {} layers.", points.back().y, bounds.layers.size()),
        kHeight,
        curve(points, {}));
}

std::string radius_chart(const NetworkBounds& bounds) {
    // E5M2's largest number is so near to float16's that one line stands for both: the smaller.
    constexpr std::array<std::pair<double, const char*>, 2> kLargest = {
        {{448.0, "float8 E4M3: 448"}, {57344.0, "float8 E5M2: 57344, float16: 65504"}}};
    const std::vector<NamedBlock> rows = named_blocks(bounds);
    if (rows.empty()) {
        return "";
    }
    std::vector<Point> points = {{0.0, finite_log10(rows.front().block->radius_in), "in"}};
    double highest = points.front().y;
    for (const NamedBlock& row : rows) {
        points.push_back(
            {static_cast<double>(points.size()), finite_log10(row.block->radius_out), row.place});
        highest = std::max(highest, points.back().y);
    }
    std::vector<Line> lines;
    lines.reserve(kLargest.size());
    for (const auto& [largest, label] : kLargest) {
        lines.push_back({std::log10(largest), label});
    }
    return figure(
        "log10 of the radius of the residual stream (L2 norm of one token) after each block",
        fmt::format("The largest is {:.2f}; no entry is larger than the radius. Lines: the largest "
                    "numbers of float8 E4M3 (448), float8 E5M2 (57344) and float16 (65504).",
                    highest),
        kHeight,
        curve(points, lines));
}

}  // namespace lipcert
