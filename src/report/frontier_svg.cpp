#include "lipcert/report/frontier_report.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "report/axis.hpp"
#include "report/escape.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr double kWidth = 640.0;
constexpr double kHeight = 400.0;
constexpr double kLeft = 70.0, kRight = 30.0, kTop = 40.0, kBottom = 55.0;

struct Dot {
    double change = 0.0;
    double log10_bound = 0.0;
    std::string label;
};

/// In the order of the change; limits that lead to the same point share a dot.
std::vector<Dot> dots_of(const Frontier& frontier) {
    std::vector<Dot> dots;
    for (const FrontierPoint& point : frontier.points) {
        const double logarithm = find_bound(point.bounds, frontier.bound)->upper.log10();
        const double change = point.relative_change.to_double();
        const std::string label = point.limit.empty() ? "as it is" : point.limit;
        const auto same = std::find_if(dots.begin(), dots.end(), [&](const Dot& dot) {
            return dot.change == change && dot.log10_bound == logarithm;
        });
        if (same != dots.end()) {
            same->label += ", " + label;
        } else if (std::isfinite(logarithm)) {
            dots.push_back({change, logarithm, label});
        }
    }
    std::sort(
        dots.begin(), dots.end(), [](const Dot& a, const Dot& b) { return a.change < b.change; });
    return dots;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                       x,
                       y,
                       anchor,
                       markup_text(text));
}

std::string grid(const Axis& horizontal, const Axis& vertical) {
    std::string text;
    for (const double x : horizontal.marks()) {
        text += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\"/>\n",
                            horizontal.at(x),
                            vertical.begin,
                            vertical.end);
        text +=
            text_at(horizontal.at(x), vertical.begin + 18.0, "middle", fmt::format("{:.3g}", x));
    }
    for (const double y : vertical.marks()) {
        text += fmt::format("<line x1=\"{1:.1f}\" y1=\"{0:.1f}\" x2=\"{2:.1f}\" y2=\"{0:.1f}\"/>\n",
                            vertical.at(y),
                            horizontal.begin,
                            horizontal.end);
        text +=
            text_at(horizontal.begin - 8.0, vertical.at(y) + 4.0, "end", fmt::format("{:.4g}", y));
    }
    return text;
}

}  // namespace

std::string frontier_svg(const Frontier& frontier) {
    const std::vector<Dot> dots = dots_of(frontier);
    Axis horizontal{0.0, 0.0, kLeft, kWidth - kRight};
    Axis vertical{0.0, 0.0, kHeight - kBottom, kTop};
    if (!dots.empty()) {
        const auto [low, high] =
            std::minmax_element(dots.begin(), dots.end(), [](const Dot& a, const Dot& b) {
                return a.log10_bound < b.log10_bound;
            });
        vertical.low = low->log10_bound;
        vertical.high = high->log10_bound;
        horizontal.high = dots.back().change;
    }
    horizontal.round_out();
    vertical.round_out();

    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\">\n"
        "<title>Certified bound against change of the weights</title>\n"
        "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n"
        "<g font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\" stroke-width=\"0\">\n"
        "<g stroke=\"#dddddd\" stroke-width=\"1\" paint-order=\"stroke\">\n",
        kWidth,
        kHeight);
    text += grid(horizontal, vertical) +
            "</g>\n<polyline fill=\"none\" stroke=\"#1f5fa8\" "
            "stroke-width=\"2\" points=\"";
    for (const Dot& dot : dots) {
        text +=
            fmt::format("{:.1f},{:.1f} ", horizontal.at(dot.change), vertical.at(dot.log10_bound));
    }
    text += "\"/>\n";
    for (const Dot& dot : dots) {
        const double x = horizontal.at(dot.change);
        const double y = vertical.at(dot.log10_bound);
        text +=
            fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"#1f5fa8\"/>\n", x, y);
        text += text_at(x + 7.0, y - 7.0, "start", dot.label);
    }
    text += text_at(0.5 * (horizontal.begin + horizontal.end),
                    kHeight - 15.0,
                    "middle",
                    "relative change of the weights in scope (Frobenius)");
    text += text_at(kLeft, kTop - 18.0, "start", "log10 of the certified " + frontier.bound);
    return text + "</g>\n</svg>\n";
}

}  // namespace lipcert
