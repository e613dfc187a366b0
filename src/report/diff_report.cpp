#include "lipcert/report/diff_report.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "report/column_table.hpp"
#include "report/json_parts.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

bool is_bound(const Change& change) {
    return change.rule == "max-lipschitz" || change.rule == "max-activation";
}

std::string number(const std::optional<Upper>& upper) {
    return upper ? readable(*upper, 6) : "-";
}

/// "x 1.25", "/ 3.1", or a power of ten where the factor is no sensible number.
std::string factor_text(const Change& change) {
    if (change.state == ChangeState::same || change.log10_ratio == 0.0) {
        return "";
    }
    const double magnitude = std::abs(change.log10_ratio);
    const char* sign = change.log10_ratio > 0.0 ? "x" : "/";
    return magnitude < 4.0 ? fmt::format("{} {:.4g}", sign, std::pow(10.0, magnitude))
                           : fmt::format("{} 10^{:.1f}", sign, magnitude);
}

std::vector<const Change*> part_of(const Difference& difference, bool bounds) {
    std::vector<const Change*> part;
    for (const Change& change : difference.changes) {
        if (is_bound(change) == bounds) {
            part.push_back(&change);
        }
    }
    return part;
}

void sort_by_change(std::vector<const Change*>& changes) {
    const auto key = [](const Change* change) {
        const bool moved = change->state != ChangeState::same;
        return std::make_tuple(change->is_regression(), moved, std::abs(change->log10_ratio));
    };
    std::stable_sort(changes.begin(), changes.end(), [&key](const Change* a, const Change* b) {
        return key(b) < key(a);
    });
}

std::string table_of(const std::string& title,
                     const std::vector<const Change*>& changes,
                     std::size_t limit,
                     const TerminalStyle& style) {
    ColumnTable table(
        title,
        {{"old", 13, true, 2}, {"new", 13, true, 3}, {"change", 12, true, 2}, {"", 8, false, 3}});
    std::size_t same = 0, folded = 0;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const Change& change = *changes[i];
        if (i < limit) {
            table.add(change.place,
                      {number(change.before),
                       number(change.now),
                       factor_text(change),
                       name_of(change.state)});
        } else {
            ++folded;
            same += change.state == ChangeState::same ? 1U : 0U;
        }
    }
    return table.text(style.width) +
           (folded == 0 ? "" : fmt::format("[{} others, {} of them the same]\n", folded, same));
}

std::string identity(const char* which, const Measures& measures) {
    return fmt::format("{}  {}   SHA-256 {}   domain: {}\n",
                       which,
                       printable(measures.model),
                       printable(measures.sha256.substr(0, 12)),
                       printable(measures.domain));
}

Json side(const Measures& measures) {
    return {{"path", measures.model}, {"sha256", measures.sha256}, {"domain", measures.domain}};
}

}  // namespace

std::string render_difference(const Difference& difference, const TerminalStyle& style) {
    std::vector<const Change*> others = part_of(difference, false);
    sort_by_change(others);
    const bool all = style.verbose || style.top == 0;
    std::string text =
        identity("old", difference.before) + identity("new", difference.now) + "\n" +
        table_of("bound", part_of(difference, true), difference.changes.size(), style) + "\n" +
        table_of("block or matrix",
                 others,
                 all ? others.size() : std::max<std::size_t>(style.top, 1),
                 style) +
        "\n";
    for (const BrokenLimit& limit : difference.broken) {
        text += fmt::format("limit {} {} held and is exceeded: {}\n",
                            printable(limit.kind),
                            printable(limit.text),
                            printable(limit.quantity));
    }
    return text + render_difference_verdict(difference);
}

std::string render_difference_verdict(const Difference& difference) {
    const auto worse = std::count_if(difference.changes.begin(),
                                     difference.changes.end(),
                                     [](const Change& change) { return change.is_regression(); });
    if (!difference.has_regression()) {
        return "no bound and no matrix got worse\n";
    }
    return fmt::format("{} got worse, {} broken\n",
                       counted(static_cast<std::size_t>(worse), "value"),
                       counted(difference.broken.size(), "limit"));
}

std::string difference_json(const Difference& difference) {
    Json json;
    json["schema"] = "lipcert-diff-1";
    json["lipcert"] = kVersion;
    json["new"] = side(difference.now);
    json["old"] = side(difference.before);
    json["changes"] = Json::array();
    for (const Change& change : difference.changes) {
        json["changes"].push_back(
            {{"rule", change.rule},
             {"place", change.place},
             {"old", change.before ? json_upper(*change.before) : Json(nullptr)},
             {"new", change.now ? json_upper(*change.now) : Json(nullptr)},
             {"log10_ratio", change.log10_ratio},
             {"state", name_of(change.state)},
             {"regression", change.is_regression()}});
    }
    json["broken_limits"] = Json::array();
    for (const BrokenLimit& limit : difference.broken) {
        json["broken_limits"].push_back(
            {{"kind", limit.kind}, {"quantity", limit.quantity}, {"limit", limit.text}});
    }
    json["verdict"] = difference.has_regression() ? "regression" : "no-regression";
    return json_text(json);
}

std::string baseline_text(const Baseline& baseline) {
    return json_text(baseline_json(baseline));
}

}  // namespace lipcert
