#include "commands/progress_line.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kBarWidth = 16;
constexpr std::size_t kShortestStep = 12;
constexpr double kSecondsBeforeRates = 2.0;

std::string duration_text(double seconds) {
    const auto whole = static_cast<long>(std::ceil(std::min(seconds, 1e8)));
    return whole < 100 ? fmt::format("{} s", whole) : fmt::format("{} min", (whole + 59) / 60);
}

std::string rates(std::size_t done, std::size_t total, double seconds) {
    if (done == 0 || done >= total || !(seconds >= kSecondsBeforeRates)) {
        return "";
    }
    const double rate = static_cast<double>(done) / seconds;
    return fmt::format(
        "  {:.2g}/s, about {} left", rate, duration_text(static_cast<double>(total - done) / rate));
}

}  // namespace

std::string progress_line(const std::string& step,
                          std::size_t done,
                          std::size_t total,
                          std::chrono::duration<double> elapsed,
                          std::size_t width) {
    // The last column stays free: a terminal may wrap a line that fills it.
    const std::size_t columns = width > 0 ? width - 1 : 0;
    std::string bar;
    std::string counts;
    if (total > 0) {
        const std::size_t filled = kBarWidth * std::min(done, total) / total;
        bar = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "] ";
        counts = fmt::format("{}/{} ", done, total);
    }
    std::string tail = rates(done, total, elapsed.count());
    // On a narrow terminal the bar goes first, then the rates.
    if (bar.size() + counts.size() + kShortestStep + tail.size() > columns) {
        bar.clear();
    }
    if (counts.size() + kShortestStep + tail.size() > columns) {
        tail.clear();
    }
    const std::size_t used = bar.size() + counts.size() + tail.size();
    const std::size_t room = columns > used ? columns - used : 0;
    return bar + counts + shortened(printable(step), room) + tail;
}

}  // namespace lipcert
