#include "lipcert/report/probe_report.hpp"

#include "report/axis.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr double kWidth = 640.0, kHeight = 400.0;
constexpr double kLeft = 70.0, kRight = 30.0, kTop = 40.0, kBottom = 55.0;

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
    return fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, text);
}

std::string curve(const std::vector<AttackPoint>& points,
                  double AttackPoint::*share,
                  const Axis& across,
                  const Axis& up,
                  const char* color) {
    std::string line;
    std::string dots;
    for (const AttackPoint& point : points) {
        const double x = across.at(point.radius);
        const double y = up.at(100.0 * (point.*share));
        line += fmt::format("{:.1f},{:.1f} ", x, y);
        dots +=
            fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x, y, color);
    }
    return fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{}\"/>\n",
                       color,
                       line) +
           dots;
}

std::string grid(const Axis& across, const Axis& up) {
    std::string text;
    for (const double x : across.marks()) {
        text += fmt::format(
            "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" "
            "stroke=\"#dddddd\"/>\n",
            across.at(x),
            up.begin,
            up.end);
        text += text_at(across.at(x), up.begin + 18.0, "middle", fmt::format("{:.3g}", x));
    }
    for (const double y : up.marks()) {
        text += fmt::format(
            "<line x1=\"{1:.1f}\" y1=\"{0:.1f}\" x2=\"{2:.1f}\" y2=\"{0:.1f}\" "
            "stroke=\"#dddddd\"/>\n",
            up.at(y),
            across.begin,
            across.end);
        text += text_at(across.begin - 8.0, up.at(y) + 4.0, "end", fmt::format("{:.3g}", y));
    }
    return text;
}

}  // namespace

std::string attack_svg(const std::vector<AttackPoint>& points) {
    constexpr const char* kCertified = "#1f5fa8";
    constexpr const char* kAttacked = "#b3471d";
    Axis across{0.0, points.empty() ? 1.0 : points.back().radius, kLeft, kWidth - kRight};
    Axis up{0.0, 100.0, kHeight - kBottom, kTop};
    across.round_out();
    up.round_out();
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\">\n"
        "<title>Accuracy under attack and by measured margins</title>\n"
        "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#ffffff\"/>\n"
        "<g font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n",
        kWidth,
        kHeight);
    text += grid(across, up);
    text += curve(points, &AttackPoint::attacked, across, up, kAttacked);
    text += curve(points, &AttackPoint::certified, across, up, kCertified);
    text += fmt::format("<g fill=\"{}\">\n", kAttacked) +
            text_at(kLeft, kTop - 18.0, "start", "accuracy under attack (%)") + "</g>\n";
    text += fmt::format("<g fill=\"{}\">\n", kCertified) +
            text_at(kLeft + 190.0, kTop - 18.0, "start", "accuracy by measured margins (%)") +
            "</g>\n";
    text += text_at(0.5 * (across.begin + across.end),
                    kHeight - 15.0,
                    "middle",
                    "radius of the perturbation of every token (L2)");
    return text + "</g>\n</svg>\n";
}

}  // namespace lipcert
