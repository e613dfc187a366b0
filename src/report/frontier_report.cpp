#include "lipcert/report/frontier_report.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>
#include <filesystem>

#include "report/escape.hpp"
#include "report/json_parts.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

const Bound& shown_bound(const Frontier& frontier, const FrontierPoint& point) {
    return *find_bound(point.bounds, frontier.bound);
}

std::size_t changed_count(const FrontierPoint& point) {
    return static_cast<std::size_t>(std::count_if(
        point.rows.begin(), point.rows.end(), [](const CapRow& row) { return row.changed; }));
}

bool has_evaluation(const Frontier& frontier) {
    return std::all_of(frontier.points.begin(),
                       frontier.points.end(),
                       [](const FrontierPoint& point) { return point.evaluation.has_value(); });
}

std::string limit_label(const FrontierPoint& point) {
    return point.limit.empty() ? "as it is" : point.limit;
}

}  // namespace

std::string render_frontier(const Frontier& frontier) {
    const bool measured = has_evaluation(frontier);
    std::string text =
        fmt::format("lipcert {}   frontier of {}   {}\n\n{:>10} {:>14} {:>9} {:>10} {:>8}{}\n",
                    kVersion,
                    printable(std::filesystem::path(frontier.model.path).filename().string()),
                    frontier.method,
                    "limit",
                    frontier.bound,
                    "log10",
                    "change",
                    "changed",
                    measured ? "  accuracy    loss" : "");
    for (const FrontierPoint& point : frontier.points) {
        const Upper& bound = shown_bound(frontier, point).upper;
        text += fmt::format("{:>10} {:>14} {:>9.3f} {:>10} {:>8}",
                            limit_label(point),
                            readable(bound, 4),
                            bound.log10(),
                            readable(point.relative_change, 3),
                            changed_count(point));
        if (measured) {
            text += fmt::format("  {:>6.2f} % {:>7.4f}",
                                100.0 * point.evaluation->accuracy,
                                point.evaluation->loss);
        }
        text += "\n";
    }
    text += "\nchange: how far the weights in scope move, relative to their Frobenius norm\n";
    if (measured) {
        text += fmt::format("accuracy, loss (nats): measured over {} next tokens, not bounds\n",
                            frontier.points.front().evaluation->predicted);
    }
    return text;
}

std::string frontier_csv(const Frontier& frontier) {
    std::string text =
        "limit," + frontier.bound + ",log10_" + frontier.bound + ",relative_change,changed";
    text += has_evaluation(frontier) ? ",accuracy,loss" : "";
    if (!frontier.points.empty()) {
        for (const CapRow& row : frontier.points.back().rows) {
            text += "," + csv_field(name_of(row.item));
        }
    }
    text += "\n";
    for (const FrontierPoint& point : frontier.points) {
        const Upper& bound = shown_bound(frontier, point).upper;
        text += fmt::format("{},{},{},{},{}",
                            csv_field(limit_label(point)),
                            bound.to_decimal(6),
                            bound.log10(),
                            point.relative_change.to_decimal(6),
                            changed_count(point));
        if (has_evaluation(frontier)) {
            text += fmt::format(",{},{}", point.evaluation->accuracy, point.evaluation->loss);
        }
        if (point.rows.empty()) {
            for (std::size_t i = 0; i < frontier.points.back().rows.size(); ++i) {
                text += ",0";
            }
        }
        for (const CapRow& row : point.rows) {
            text += "," + row.result.relative_frobenius_change.upper().to_decimal(6);
        }
        text += "\n";
    }
    return text;
}

std::string frontier_json(const Frontier& frontier) {
    Json json;
    json["schema"] = "lipcert-frontier-1";
    json["lipcert"] = kVersion;
    json["model"] = json_model(frontier.model);
    json["method"] = frontier.method;
    json["points"] = Json::array();
    for (const FrontierPoint& point : frontier.points) {
        Json object;
        object["limit"] = point.limit.empty() ? Json(nullptr) : Json(point.limit);
        object["bounds"] = json_bounds(point.bounds);
        object["relative_change"] = json_number(point.relative_change.to_double());
        object["evaluation"] = nullptr;
        if (point.evaluation) {
            object["evaluation"] = {{"tokens", point.evaluation->predicted},
                                    {"accuracy", point.evaluation->accuracy},
                                    {"loss", json_number(point.evaluation->loss)}};
        }
        object["matrices"] = Json::array();
        for (const CapRow& row : point.rows) {
            object["matrices"].push_back({{"name", name_of(row.item)},
                                          {"changed", row.changed},
                                          {"relative_frobenius_change",
                                           json_enclosure(row.result.relative_frobenius_change)}});
        }
        json["points"].push_back(object);
    }
    return json_text(json);
}

}  // namespace lipcert
